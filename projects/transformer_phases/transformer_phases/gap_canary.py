"""The canary of the model that fills gaps: on a known source nobody who sees both neighbours can be better than Bayes.

It goes through the masked windows, trainer and model that training uses, and asks about gaps one at a time: then the
neighbours are always in sight, and the best answer has a closed form.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch
from mldata.markov import MarkovSource
from mldata.masked_windows import LoneGaps, MaskedWindows
from mlmodels.transformer_encoders.config import BertConfig
from mlmodels.transformer_encoders.masked_language_model import Bert
from torch import Tensor

from transformer_phases import build
from transformer_phases.canary import BATCH_SIZE, CONTEXT, NUM_ERRORS, NUM_STATES, require_honesty
from transformer_phases.config import PhaseTrainingConfig
from transformer_phases.trainer import EraTrainer, PlausibilityAlarm

NUM_STEPS = 500
NUM_GAPS = 2000  # each in a window of its own, so that they are independent
_WINDOWS_A_STEP = 4 * BATCH_SIZE
MAX_ACCURACY = 0.9  # of a validation; above it, training stops


@dataclass(frozen=True)
class GapResult:
    """What the model reached on gaps.

    Attributes:
        accuracy, accuracy_error: share of gaps filled rightly, and its standard error.
        bayes_accuracy: the largest share for anyone who sees both sides.
        one_sided_accuracy: the same for who sees the left side alone.
    """

    accuracy: float
    accuracy_error: float
    bayes_accuracy: float
    one_sided_accuracy: float

    @property
    def is_leak(self) -> bool:
        """Better than the source allows."""
        return self.accuracy > self.bayes_accuracy + NUM_ERRORS * self.accuracy_error

    @property
    def has_power(self) -> bool:
        """Both sides are used, which alone makes the answer mean something."""
        return self.accuracy > self.one_sided_accuracy + NUM_ERRORS * self.accuracy_error

    def __str__(self) -> str:
        return (
            f"bert: accuracy {self.accuracy:.1%} ± {self.accuracy_error:.1%} on gaps "
            f"(Bayes {self.bayes_accuracy:.1%}, from the left side alone {self.one_sided_accuracy:.1%})"
        )


def check_gaps(*, seed: int = 0, num_steps: int = NUM_STEPS) -> GapResult:
    """Train, and compare.

    Raises:
        LeakSuspectedError: the model is better than the source allows, or has learnt too little for that to mean
            anything.
    """
    source = MarkovSource.draw(NUM_STATES, seed=seed)
    result = measure(train(source, seed=seed, num_steps=num_steps), gaps(source, seed=seed), source)
    require_honesty(result)
    return result


def train(source: MarkovSource, *, seed: int = 0, num_steps: int = NUM_STEPS) -> Bert:
    """A small model that has learnt to fill gaps in the source's stream; validated on the way as in a real training.

    Raises:
        LeakSuspectedError: a validation was too good to be true.
    """
    config = BertConfig(
        vocab_size=NUM_STATES, d_model=32, n_layers=2, n_heads=2, d_ffn=64, max_seq_len=CONTEXT,
        positions="rope", norm_position="pre",
    )  # fmt: skip
    training = PhaseTrainingConfig.model_validate(
        {
            "steps": num_steps,
            "learning_rate": 5e-3,
            "max_grad_norm": 1.0,
            "schedule": {"type": "cosine", "warmup_steps": min(30, num_steps // 2)},
            "eval_every": max(1, num_steps // 4),
            "save_every": None,
        }
    )
    model = build.make_model(config, torch.device("cpu"), seed)
    alarm = PlausibilityAlarm(MAX_ACCURACY)
    trainer = EraTrainer(model, training, device="cpu", seed=seed, callbacks=[alarm])
    num_tokens = (min(num_steps, 200) * _WINDOWS_A_STEP + 2) * CONTEXT
    windows = partial(
        MaskedWindows,
        context_length=CONTEXT,
        batch_size=_WINDOWS_A_STEP,
        mask_id=config.mask_id,
        vocab_size=NUM_STATES,
        seed=seed,
    )
    trainer.train(
        windows(source.sample(num_tokens, seed=seed + 1), mode="random", drop_last=True),
        windows(source.sample(200 * CONTEXT, seed=seed + 3), mode="sequential"),
    )
    return model


def gaps(source: MarkovSource, *, seed: int = 0) -> LoneGaps:
    """Unseen windows with one gap each, which has a neighbour on both sides."""
    return LoneGaps(
        source.sample(NUM_GAPS * CONTEXT, seed=seed + 2),
        context_length=CONTEXT,
        batch_size=NUM_GAPS,
        mask_id=NUM_STATES,
        seed=seed,
        interior=True,
    )


def measure(model: Bert, batches: Iterable[tuple[Tensor, Tensor]], source: MarkovSource) -> GapResult:
    """How many of the gaps the model fills rightly. A window has one gap."""
    hits = []
    for inputs, targets in batches:
        is_gap = targets >= 0
        answers = model.logits(inputs.squeeze(1)).argmax(dim=-1)
        hits.append((answers == targets)[is_gap].double())
    right = torch.cat(hits)
    return GapResult(
        accuracy=float(right.mean()),
        accuracy_error=float(right.std() / len(right) ** 0.5),
        bayes_accuracy=source.gap_accuracy,
        one_sided_accuracy=source.bayes_accuracy,
    )
