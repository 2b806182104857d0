"""The trainer of classifiers with several heads: a cross-entropy for each task, added up with their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mlcore.trainer.classification import ClassificationTrainer
from mlcore.trainer.losses import Criterion, Losses, apply_criteria


class MultiTaskTrainer(ClassificationTrainer):
    """A batch is ``(inputs, {task: labels})``, and ``model(inputs)`` returns ``{task: logits}``.

    The loss is the sum of ``training.loss_weights[task]`` (1 where nothing is said) times each task's cross-entropy;
    "loss_<task>" is that cross-entropy itself. The metric "accuracy" is that of the first task, "<task>_accuracy" that
    of every other.

    Args:
        tasks: their names, the main one first; the others are as for every trainer.
    """

    def __init__(self, *arguments: Any, tasks: Sequence[str], **options: Any) -> None:
        self.tasks = tuple(tasks)
        super().__init__(*arguments, **options)

    def get_criterion(self) -> Mapping[str, Criterion]:  # type: ignore[override]
        """One cross-entropy a task, by name."""
        return dict.fromkeys(self.tasks, self._cross_entropy)

    def forward_pass(self, batch: tuple[Tensor, Mapping[str, Tensor]]) -> tuple[Losses, Any]:  # type: ignore[override]
        """Mean loss of each task, and the logits (B, K) of each."""
        inputs, labels = batch
        outputs = self.model(inputs)
        return apply_criteria(self.criterion, outputs, labels), outputs

    def compute_metrics(self, outputs: Any, batch: Any) -> Mapping[str, Tensor]:
        """The share of right answers, of each task."""
        found = {}
        for number, task in enumerate(self.tasks):
            hits = outputs[task].argmax(dim=1) == batch[1][task]
            found[f"{task}_accuracy" if number else "accuracy"] = hits.float().mean()
        return found

    def inference(self, inputs: Any) -> Any:
        """Logits (B, K) of the first task."""
        return super(ClassificationTrainer, self).inference(inputs)[self.tasks[0]]
