"""A model that learns while it is judged: logits depend on earlier tokens alone, and what comes again gets easy."""

import copy
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.config import load_config
from mlcore.evaluator import read_evaluation
from mlcore.launcher import load_script
from mldata.streams import TokenStreams
from mlmodels.recurrent.config import RecurrentLanguageModelConfig
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from mlmodels.recurrent.state import detach_state
from rnn_suite.config import ExperimentConfig
from rnn_suite.dynamic_evaluation import MAX_GRAD_NORM, LearningReader
from rnn_suite.trainer import UnbrokenReader

PROJECT = Path(__file__).resolve().parents[1]
VOCABULARY, LENGTH = 11, 8


def make_model() -> RecurrentLanguageModel:
    torch.manual_seed(3)
    config = RecurrentLanguageModelConfig(
        vocab_size=VOCABULARY, embedding_size=6, hidden_size=8, num_layers=2, layer_norm=True, dropout=0.1
    )
    return RecurrentLanguageModel.from_config(config).double().eval()


def windows(tokens: np.ndarray) -> TokenStreams:
    return TokenStreams(tokens, context_length=LENGTH, batch_size=1, mode="sequential")


def logits_of(reader: UnbrokenReader, tokens: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([reader.logits(inputs) for inputs, _ in windows(tokens)], dim=1)[0]


def text(seed: int = 4, size: int = 81) -> np.ndarray:
    return np.random.default_rng(seed).integers(VOCABULARY, size=size).astype(np.uint16)


def test_each_step_is_that_of_torchs_sgd_with_clipping_and_a_way_back() -> None:
    rate, decay = 0.3, 0.1
    model = make_model()
    oracle = copy.deepcopy(model)
    logits = logits_of(LearningReader(model, rate, decay), text())
    trained = [parameter.detach().clone() for parameter in oracle.parameters()]
    optimizer, state, start = torch.optim.SGD(oracle.parameters(), lr=rate), None, 0
    for inputs, targets in windows(text()):
        found, next_state = oracle(inputs, state)
        torch.testing.assert_close(logits[start : start + LENGTH], found[0].detach(), rtol=0, atol=1e-12)
        start += LENGTH
        optimizer.zero_grad()
        functional.cross_entropy(found[0], targets[0]).backward()
        torch.nn.utils.clip_grad_norm_(oracle.parameters(), MAX_GRAD_NORM)
        optimizer.step()
        with torch.no_grad():
            for parameter, first in zip(oracle.parameters(), trained, strict=True):
                parameter.copy_((1 - decay) * parameter + decay * first)
        state = detach_state(next_state)
    assert start == len(text()) - 1


def test_logits_depend_on_earlier_tokens_alone() -> None:
    tokens, changed = text(), text()
    changed[45:] = (changed[45:] + 3) % VOCABULARY
    first, second = (logits_of(LearningReader(make_model(), 0.5, 0.0), one) for one in (tokens, changed))
    assert torch.equal(first[:45], second[:45])
    assert not torch.equal(first[45:], second[45:])


def test_a_text_that_repeats_itself_is_learnt_on_the_way() -> None:
    repeated, late = np.tile(text(size=20), 60), slice(1100, 1180)
    targets = torch.from_numpy(repeated[1:].astype(np.int64))
    usual, learning = (
        functional.cross_entropy(logits_of(reader, repeated)[late], targets[late])
        for reader in (UnbrokenReader(make_model()), LearningReader(make_model(), 0.7, 0.0))
    )
    assert learning < 0.3 < 2.0 < usual


def test_the_command_keeps_it_beside_the_usual_evaluation(tmp_path: Path) -> None:
    train, evaluate = (load_script(PROJECT / f"{name}.py").main for name in ("train", "evaluate"))
    words = ["--config", "configs/smoke.yaml", "--runs-dir", str(tmp_path), "--no-tensorboard"]
    assert train([*words, "--set", "data.val_subset_size=3"]) == 0
    (run,) = tmp_path.iterdir()
    before = read_evaluation(run)
    assert evaluate(["--run", str(run), "--dynamic", "0.01", "--max-batches", "4"]) == 0
    after = read_evaluation(run)
    dynamic = after.pop("dynamic")
    assert after == before
    assert (dynamic["rate"], dynamic["decay"]) == (0.01, 0.001)
    length = load_config(ExperimentConfig, PROJECT / "configs" / "smoke.yaml").data.sequence_length
    assert dynamic["num_tokens"] == 4 * length
    assert dynamic["loss"] > 0
    assert evaluate(["--run", str(run), "--dynamic", "0.01", "--generate"]) == 2
