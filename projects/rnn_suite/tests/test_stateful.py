"""States carried across windows: one long pass in pieces, and a resume that is exact in the middle of an epoch."""

import copy
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.config import load_config
from mlcore.evaluator import AdvancedEvaluator
from mlcore.text_experiment.commands import evaluate_run
from mlcore.trainer import run_state
from mldata.streams import TokenStreams
from mlmodels.recurrent.config import RecurrentLanguageModelConfig
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from rnn_suite import build
from rnn_suite.config import ExperimentConfig, RecurrentTrainingConfig
from rnn_suite.trainer import RecurrentTrainer, UnbrokenReader

PROJECT = Path(__file__).resolve().parents[1]
VOCABULARY, LENGTH = 11, 8


@pytest.fixture
def text() -> np.ndarray:
    return np.random.default_rng(4).integers(VOCABULARY, size=237).astype(np.uint16)


class Letters:
    """Just enough of a tokenizer for figures."""

    vocab_size = VOCABULARY

    def byte_lengths(self) -> np.ndarray:
        return np.ones(VOCABULARY, dtype=np.int64)


def make_trainer(cell: str = "lstm", **training: Any) -> RecurrentTrainer:
    torch.manual_seed(3)
    config = RecurrentLanguageModelConfig(
        cell=cell, vocab_size=VOCABULARY, embedding_size=6, hidden_size=8, num_layers=2, dropout=0.1
    )
    settings = RecurrentTrainingConfig(mixed_precision="off", **training)
    trainer = RecurrentTrainer(RecurrentLanguageModel.from_config(config).double(), settings, device="cpu")
    trainer.is_stateful = True
    return trainer


def unbroken_loss(model: RecurrentLanguageModel, tokens: np.ndarray) -> torch.Tensor:
    """Sum of nats in one forward pass over all tokens, without a graph."""
    ids = torch.from_numpy(tokens.astype(np.int64))
    logits, _ = model.eval().next_logits(ids[None, :-1], None)
    return functional.cross_entropy(logits[0], ids[1:], reduction="sum")


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_evaluation_in_windows_is_one_long_unbroken_forward_pass(text: np.ndarray, cell: str) -> None:
    model = make_trainer(cell).model
    loader = TokenStreams(text, context_length=LENGTH, batch_size=1, mode="sequential")
    metrics = AdvancedEvaluator(UnbrokenReader(model), Letters()).evaluate(loader)
    expected = float(unbroken_loss(model, text)) / (len(text) - 1)
    assert metrics.loss == pytest.approx(expected, rel=0, abs=1e-10)
    assert metrics.num_tokens == len(text) - 1
    broken = AdvancedEvaluator(model, Letters()).evaluate(loader)
    assert abs(broken.loss - expected) > 1e-4, "windows without memory are something else"


def test_validation_is_one_unbroken_pass_for_each_row(text: np.ndarray) -> None:
    trainer = make_trainer()
    loader = TokenStreams(text, context_length=LENGTH, batch_size=3, mode="sequential")
    bounds = loader.row_bounds(0)
    rows = [text[begin : end + 1] for begin, end in itertools.pairwise(bounds)]
    expected = sum(float(unbroken_loss(trainer.model, row)) for row in rows) / (len(text) - 1)
    for _ in range(2):  # the second begins without the memory of the first
        assert trainer.validate_epoch(loader)["loss"] == pytest.approx(expected, rel=0, abs=1e-10)


def test_an_epoch_of_training_begins_without_memory_and_carries_it_on(text: np.ndarray) -> None:
    """Without learning the losses of an epoch are those of unbroken passes over its rows."""
    trainer = make_trainer(learning_rate=1e-30, weight_decay=0.0)
    trainer.model.recurrent.dropout = 0.0
    loader = TokenStreams(text, context_length=LENGTH, batch_size=3, seed=1)
    for epoch in range(2):
        bounds = loader.row_bounds(epoch)
        count = len(loader) * LENGTH
        rows = [text[begin : begin + count + 1] for begin in bounds[:-1]]
        expected = sum(float(unbroken_loss(trainer.model, row)) for row in rows) / (3 * count)
        assert trainer.train_epoch(loader)["loss"] == pytest.approx(expected, rel=0, abs=1e-10)


def test_without_the_switch_no_state_is_kept(text: np.ndarray) -> None:
    trainer = make_trainer()
    trainer.is_stateful = False
    trainer.train_epoch(TokenStreams(text, context_length=LENGTH, batch_size=3))
    assert trainer.carried_state() is None


class Saving:
    """Takes the state of one step, as a checkpoint would."""

    def __init__(self, step: int) -> None:
        self.step, self.state = step, None

    def save(self, state: dict, *, step: int, metric: float | None = None) -> Path:
        if step == self.step:
            self.state = copy.deepcopy(state)
        return Path("unused")


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_resume_in_the_middle_of_an_epoch_is_exact(text: np.ndarray, cell: str) -> None:
    train = TokenStreams(text, context_length=LENGTH, batch_size=3, seed=1)
    validation = TokenStreams(text[:50], context_length=LENGTH, batch_size=2, mode="sequential")
    options = {"steps": 15, "save_every": 1, "eval_every": 4, "learning_rate": 0.01}
    whole = make_trainer(cell, **options)
    kept = Saving(len(train) + 3)
    whole.saving = type(whole.saving)(kept, 1)
    whole.train(train, validation)
    state = kept.state
    assert state["progress"]["position"] == 3
    assert state["carried"][0] is not None

    def ending(state: dict) -> dict[str, torch.Tensor]:
        again = make_trainer(cell, **options)
        again.resume(copy.deepcopy(state))
        again.train(TokenStreams(text, context_length=LENGTH, batch_size=3, seed=1), validation)
        assert again.progress.step == 15
        return again.model.state_dict()

    expected = whole.model.state_dict()
    for name, tensor in ending(state).items():
        assert torch.equal(tensor, expected[name]), name
    forgetful = ending({**state, "carried": [None]})
    assert any(not torch.equal(tensor, expected[name]) for name, tensor in forgetful.items())


def test_an_update_that_is_skipped_leaves_no_trace_in_the_state(text: np.ndarray) -> None:
    trainer = make_trainer()
    batches = list(TokenStreams(text, context_length=LENGTH, batch_size=3))
    trainer.train_epoch(batches[:2])
    before = trainer.carried_state()
    trainer.progress.position = 2  # in the middle of an epoch
    weight = trainer.model.head.weight
    good = weight.detach().clone()
    with torch.no_grad():
        weight[0, 0] = float("nan")
    trainer.train_epoch(batches[:3])
    with torch.no_grad():
        weight.copy_(good)
    assert all(torch.equal(a, b) for a, b in zip(trainer.carried_state(), before, strict=True))


def test_a_checkpoint_of_before_without_the_piece_is_still_read(text: np.ndarray) -> None:
    train = TokenStreams(text, context_length=LENGTH, batch_size=3)
    trainer, kept = make_trainer(steps=2, monitor="train_loss"), Saving(1)
    trainer.saving = type(trainer.saving)(kept, 1)
    trainer.train(train)
    again = make_trainer(steps=2, monitor="train_loss")
    again.resume({name: piece for name, piece in kept.state.items() if name != "carried"})
    again.train(train)
    assert again.progress.step == 2


def test_a_configuration_with_streams_trains_and_is_evaluated_in_one_pass(tmp_path: Path) -> None:
    overrides = ["data.stateful=true", "training.steps=6", "training.schedule.warmup_steps=1"]
    overrides += [
        "data.subset_size=40",
        "data.val_subset_size=3",
        "model.hidden_size=8",
        "training.eval_every=3",
    ]
    config = load_config(ExperimentConfig, PROJECT / "configs" / "smoke.yaml", overrides=overrides)
    prepared = build.prepare(config)
    model = build.make_model(prepared.config.model, prepared.device, config.seed)
    trainer = build.make_trainer(prepared, model, run=None, logger=build.make_logger(prepared, None))
    trainer.train(*build.make_loaders(prepared))
    torch.save({**run_state.collect(trainer)}, tmp_path / "model.pt")
    content = evaluate_run(None, prepared, build, checkpoint=tmp_path / "model.pt", with_samples=False)
    tokens = np.asarray(prepared.text.val_tokens.tokens)
    expected = float(unbroken_loss(model.double(), tokens)) / (len(tokens) - 1)
    assert content["metrics"]["loss"] == pytest.approx(expected, abs=1e-5)
    assert content["metrics"]["num_tokens"] == len(tokens) - 1
    assert content["baselines"]["bigram"]["num_tokens"] == len(tokens)
