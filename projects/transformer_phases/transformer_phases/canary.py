"""The canary: each era learns a source whose best prediction is known, and nothing may be better than that.

It goes through the windows, trainer and model that the study uses. What it cannot miss is a target among the inputs: a
missing mask, shifted windows. The exact test beside it asks the same of the model alone.
"""

import copy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from mldata.markov import MarkovSource
from mldata.windows import TokenWindows
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.presets import STYLES, Phase, sizes_of
from torch.nn import functional

from transformer_phases import build
from transformer_phases.config import PhaseTrainingConfig
from transformer_phases.trainer import EraTrainer, LeakSuspectedError

NUM_STATES, CONTEXT, BATCH_SIZE = 12, 16, 16
NUM_EVALUATION_WINDOWS = 256
NUM_STEPS = 100
NUM_ERRORS = 4.0  # standard errors that chance is allowed: once in 30,000 tests
NANO_PHASES = tuple(phase for phase in STYLES if "nano" in sizes_of(phase))
LEAST_LEARNT = 0.5  # a model that learnt less than this share of the source's order proves nothing


class Verdict(Protocol):
    """What a canary says of a model."""

    @property
    def is_leak(self) -> bool: ...

    @property
    def has_power(self) -> bool: ...


@dataclass(frozen=True)
class CanaryResult:
    """What a phase reached on the source.

    Attributes:
        excess: the model's loss above the source's own on the same tokens, nats; it cannot honestly be below 0.
        excess_error: its standard error, over windows.
        accuracy, accuracy_error: share of tokens named, and its standard error.
        bayes_accuracy: the largest share that any predictor can name.
        learnt: share of the way from token frequencies to the source's own loss.
    """

    phase: Phase
    excess: float
    excess_error: float
    accuracy: float
    accuracy_error: float
    bayes_accuracy: float
    learnt: float

    @property
    def is_leak(self) -> bool:
        """Better than the source allows."""
        beats_accuracy = self.accuracy > self.bayes_accuracy + NUM_ERRORS * self.accuracy_error
        return beats_accuracy or self.excess < -NUM_ERRORS * self.excess_error

    @property
    def has_power(self) -> bool:
        """Whether enough was learnt for the answer to mean something."""
        return self.learnt >= LEAST_LEARNT

    def __str__(self) -> str:
        return (
            f"{self.phase}: loss {self.excess:+.4f} ± {self.excess_error:.4f} above Bayes, "
            f"accuracy {self.accuracy:.1%} (Bayes {self.bayes_accuracy:.1%}), {self.learnt:.0%} of the order learnt"
        )


def check_phase(phase: Phase, *, seed: int = 0, num_steps: int = NUM_STEPS) -> CanaryResult:
    """The exact test of the phase's nano model, then the canary.

    Raises:
        LeakSuspectedError: a token sees what comes after it, or the model is better than the source allows; or it has
            learnt too little for its honesty to mean anything.
    """
    config = EraTransformerConfig(phase=phase, size="nano")
    check_causality(build.make_model(config, torch.device("cpu"), seed), seed)
    result = sing(phase, seed=seed, num_steps=num_steps)
    require_honesty(result)
    return result


def require_honesty(result: Verdict) -> None:
    """
    Raises:
        LeakSuspectedError: the model is better than its source allows, or has learnt too little for its honesty to mean
            anything.
    """
    if result.is_leak:
        raise LeakSuspectedError(f"leak suspected: {result}")
    if not result.has_power:
        raise LeakSuspectedError(f"the canary proves nothing, for it has not learnt its source: {result}")


def sing(phase: Phase, *, seed: int = 0, num_steps: int = NUM_STEPS) -> CanaryResult:
    """Train on the source and compare, without judging."""
    source = MarkovSource.draw(NUM_STATES, seed=seed)
    config = EraTransformerConfig(
        phase=phase, size="nano", vocab_size=NUM_STATES, max_seq_len=CONTEXT, dropout=0.0
    )
    num_tokens = (num_steps + 2) * BATCH_SIZE * CONTEXT
    loader = TokenWindows(
        source.sample(num_tokens, seed=seed + 1),
        context_length=CONTEXT,
        batch_size=BATCH_SIZE,
        seed=seed,
        drop_last=True,
    )
    training = PhaseTrainingConfig(
        steps=num_steps, learning_rate=3e-3, max_grad_norm=1.0, monitor="train_loss", save_every=None
    )
    model = build.make_model(config, torch.device("cpu"), seed)
    trainer = EraTrainer(model, training, device="cpu", seed=seed)
    trainer.train(loader)
    return _compared(phase, model, source, seed)


def check_causality(model: EraTransformer, seed: int = 0) -> None:
    """Change what comes later; what came before must keep every bit.

    Asked of a copy whose weights are all stirred: one that begins with zeros shows nothing of what its parts do.

    Raises:
        LeakSuspectedError: a logit changed.
    """
    generator = torch.Generator().manual_seed(seed)
    model = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    vocab_size, length = model.config.vocab_size, model.config.max_seq_len
    tokens = torch.randint(vocab_size, (2, length), generator=generator)
    before = model.logits(tokens)
    for position in sorted({1, length // 2, length - 1}):
        changed = tokens.clone()
        changed[:, position:] = (tokens[:, position:] + 1) % vocab_size
        if not torch.equal(model.logits(changed)[:, :position], before[:, :position]):
            raise LeakSuspectedError(
                f"leak suspected: {model.config.phase or 'the model'} changes its logits before position {position} "
                "when the tokens from there on change"
            )


def _compared(phase: Phase, model: EraTransformer, source: MarkovSource, seed: int) -> CanaryResult:
    tokens = source.sample(NUM_EVALUATION_WINDOWS * CONTEXT + 1, seed=seed + 2)
    windows = TokenWindows(
        tokens, context_length=CONTEXT, batch_size=NUM_EVALUATION_WINDOWS, mode="sequential"
    )
    ((inputs, targets),) = windows
    logits = model.logits(inputs)
    nats = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    own = nats.view(targets.shape).double().numpy().mean(axis=1)
    # The source's own answer to the stream as it is, not to what the windows make of it.
    stream = tokens.astype(np.int64)
    ideal = source.nats(stream[:-1], stream[1:]).reshape(targets.shape).mean(axis=1)
    hits = (logits.argmax(dim=-1) == targets).double().numpy().mean(axis=1)
    return CanaryResult(
        phase=phase,
        excess=float((own - ideal).mean()),
        excess_error=_standard_error(own - ideal),
        accuracy=float(hits.mean()),
        accuracy_error=_standard_error(hits),
        bayes_accuracy=source.bayes_accuracy,
        learnt=float((source.unigram_entropy - own.mean()) / (source.unigram_entropy - source.bayes_loss)),
    )


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))
