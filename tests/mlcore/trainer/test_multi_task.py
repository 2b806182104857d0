"""Several tasks in one loss: the weighted sum and its gradient by hand, each part under its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mlcore.errors import ConfigError
from mlcore.logger import TrainingLogger
from mlcore.logger.metrics_file import read_metrics
from mlcore.trainer import MultiTaskTrainer, TrainingConfig
from mlcore.trainer.losses import total_loss
from sklearn.metrics import accuracy_score
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

CLASSES = {"class": 5, "colour": 3}


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Linear(4, 6).double()
        self.heads = nn.ModuleDict({name: nn.Linear(6, count).double() for name, count in CLASSES.items()})

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        features = self.trunk(inputs).tanh()
        return {name: head(features) for name, head in self.heads.items()}


def batch(count: int = 12) -> tuple[Tensor, dict[str, Tensor]]:
    chance = torch.Generator().manual_seed(1)
    inputs = torch.randn(count, 4, generator=chance, dtype=torch.float64)
    labels = {name: torch.randint(size, (count,), generator=chance) for name, size in CLASSES.items()}
    return inputs, labels


def trainer(weights: dict[str, float], **options: Any) -> MultiTaskTrainer:
    config = TrainingConfig(
        epochs=2, optimizer="sgd", learning_rate=0.5, log_every=1, loss_weights=weights, label_smoothing=0.1
    )
    return MultiTaskTrainer(TwoHeads(), config, tasks=tuple(CLASSES), device="cpu", **options)


WEIGHTS = {"colour": 0.25}


def test_the_gradient_is_that_of_the_weighted_sum() -> None:
    ours, plain = trainer(WEIGHTS), TwoHeads()
    inputs, labels = batch()
    result = ours.compute_gradients((inputs, labels), 1.0)
    logits = plain(inputs)
    parts = {name: cross_entropy(logits[name], labels[name], label_smoothing=0.1) for name in CLASSES}
    total = parts["class"] + 0.25 * parts["colour"]
    total.backward()
    assert float(result.loss) == pytest.approx(float(total), rel=1e-12)
    for name, part in parts.items():
        assert float(result.metrics[f"loss_{name}"]) == pytest.approx(float(part), rel=1e-12)
    for one, two in zip(ours.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-12, atol=1e-14)


def test_every_task_is_judged_and_logged_by_name(tmp_path: Path) -> None:
    with TrainingLogger(tmp_path, mode="silent", tensorboard=False) as logger:
        ours = trainer(WEIGHTS, logger=logger)
        inputs, labels = batch()
        halves = [
            (inputs[part], {n: v[part] for n, v in labels.items()}) for part in (slice(8), slice(8, 12))
        ]
        ours.train(halves, halves)
    for record in read_metrics(tmp_path / "metrics.jsonl"):
        if record["kind"] in ("step", "validation"):
            assert record["loss"] == pytest.approx(
                record["loss_class"] + 0.25 * record["loss_colour"], rel=1e-6
            )
            assert "accuracy" in record
            assert "colour_accuracy" in record
    means = ours.validate_epoch(halves)
    logits = ours.model(inputs)
    for task, name in (("class", "accuracy"), ("colour", "colour_accuracy")):
        assert means[name] == pytest.approx(accuracy_score(labels[task], logits[task].argmax(1)), rel=1e-6)
        assert means[f"loss_{task}"] == pytest.approx(
            float(cross_entropy(logits[task], labels[task])), rel=1e-9
        )
    assert torch.equal(ours.inference(inputs), logits["class"]), "the first task is the main one"
    assert json.loads((tmp_path / "metrics.json").read_text())["status"] == "completed"


def test_a_weight_of_zero_leaves_a_head_as_it_was() -> None:
    ours = trainer({"colour": 0.0})
    before = [parameter.clone() for parameter in ours.model.heads["colour"].parameters()]
    ours.train([batch()])
    after = list(ours.model.heads["colour"].parameters())
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))


@pytest.mark.parametrize("losses", [torch.tensor(1.0), {"class": torch.tensor(1.0)}, [torch.tensor(1.0)]])
def test_a_weight_without_a_loss_is_an_error(losses: Any) -> None:
    with pytest.raises(ConfigError, match=r"training\.loss_weights: no loss 'color'"):
        total_loss(losses, {"color": 2.0})


def test_losses_in_a_list_are_weighted_by_their_numbers() -> None:
    total, parts = total_loss([torch.tensor(3.0), torch.tensor(5.0)], {"1": 0.5})
    assert float(total) == 5.5
    assert {name: float(part) for name, part in parts.items()} == {"loss_0": 3.0, "loss_1": 5.0}
