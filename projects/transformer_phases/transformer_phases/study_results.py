"""What the runs of a study hold, era by era and seed by seed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from mlcore.config import load_config
from mlcore.errors import RunNotFoundError
from mlcore.evaluator import read_evaluation
from mlcore.logger.metrics_file import read_metrics
from mlcore.runs import RunFolder
from mlcore.statistics import ModelStatistics, Summary, summarize
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.size import flops_per_token

from transformer_phases.config import ExperimentConfig


@dataclass(frozen=True)
class Run:
    """One run that came to its end.

    Attributes:
        tokens, losses, seconds: of its validations; losses in nats per token without label smoothing.
        evaluation: its evaluation.json.
        summary: its metrics.json.
    """

    seed: int
    tokens: tuple[float, ...]
    losses: tuple[float, ...]
    seconds: tuple[float, ...]
    evaluation: Mapping[str, Any]
    summary: Mapping[str, Any]

    @property
    def loss(self) -> float:
        """Of the whole validation text, by the best weights."""
        return float(self.evaluation["metrics"]["loss"])

    def reaches(self, loss: float, axis: Sequence[float]) -> float | None:
        """Where on the axis the curve first falls to a loss, between two validations on a straight line."""
        for index, value in enumerate(self.losses):
            if value <= loss:
                if index == 0:
                    return axis[0]
                before = self.losses[index - 1]
                share = (before - loss) / (before - value)
                return axis[index - 1] + share * (axis[index] - axis[index - 1])
        return None


@dataclass(frozen=True)
class PhaseRuns:
    """One configuration and its runs, by seed."""

    name: str
    config: ExperimentConfig
    runs: Mapping[int, Run]

    @property
    def model(self) -> EraTransformerConfig:
        """The architecture."""
        return self.config.era

    @property
    def flops_per_token(self) -> float:
        """Operations of one token in training."""
        return flops_per_token(self.model, self.config.data.sequence_length)

    def values(self, path: str) -> dict[int, float]:
        """A figure of the evaluation (`metrics.loss`) or, after `summary.`, of metrics.json, by seed."""
        found = {}
        for seed, run in self.runs.items():
            whole: Any = {**run.evaluation, "summary": run.summary}
            for part in path.split("."):
                whole = whole.get(part) if isinstance(whole, Mapping) else None
            if isinstance(whole, int | float):
                found[seed] = float(whole)
        return found

    def summary(self, path: str) -> Summary | None:
        """Mean and spread of a figure; None where no run has it."""
        values = self.values(path)
        return summarize(list(values.values())) if values else None

    def curve(self, axis: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Mean over seeds of the axis, and mean and standard deviation of the loss, at every validation that all have.

        Args:
            axis: tokens, seconds or flops.
        """
        runs = list(self.runs.values())
        length = min((len(run.losses) for run in runs), default=0)
        if not length:
            return None
        losses = np.array([run.losses[:length] for run in runs])
        spread = losses.std(axis=0, ddof=1) if len(runs) > 1 else np.zeros(length)
        return self._axis(runs, axis, length), losses.mean(axis=0), spread

    def _axis(self, runs: Sequence[Run], axis: str, length: int) -> np.ndarray:
        if axis == "seconds":
            return np.array([run.seconds[:length] for run in runs]).mean(axis=0)
        tokens = np.array(runs[0].tokens[:length])
        return tokens * self.flops_per_token if axis == "flops" else tokens

    def reached(self, loss: float, axis: str) -> list[float]:
        """Where each run's curve falls to a loss; runs that never do are left out."""
        places = [run.reaches(loss, getattr(run, axis)) for run in self.runs.values()]
        return [place for place in places if place is not None]

    def loss_at_flops(self, flops: float) -> float | None:
        """Mean loss after so many operations, between two validations on a straight line."""
        curve = self.curve("flops")
        if curve is None or not curve[0][0] <= flops <= curve[0][-1] * (1 + 1e-9):
            return None
        return float(np.interp(flops, curve[0], curve[1]))


@dataclass(frozen=True)
class StudyResults:
    """A study: its description and its eras, in the order of its configurations."""

    folder: Path
    description: Mapping[str, Any]
    phases: tuple[PhaseRuns, ...]

    @cached_property
    def statistics(self) -> ModelStatistics | None:
        """Final losses of the eras that have any; None while there are none."""
        values = {phase.name: losses for phase in self.phases if (losses := phase.values("metrics.loss"))}
        return ModelStatistics(values, metric="loss", higher_is_better=False) if values else None


def read_results(folder: Path) -> StudyResults:
    """Every run of the study's own configurations that came to its end; of several runs of a seed the newest.

    Raises:
        RunNotFoundError: the folder holds no study.
    """
    try:
        description = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    except OSError:
        raise RunNotFoundError(f"{folder} holds no study.json: it is no folder of a study") from None
    phases = []
    for name, content in description["configs"].items():
        config = ExperimentConfig.model_validate(content)
        runs = {run.seed: run for path in _run_paths(folder, name) if (run := _read(path, config))}
        phases.append(
            PhaseRuns(name, config, {seed: runs[seed] for seed in description["seeds"] if seed in runs})
        )
    return StudyResults(folder, description, tuple(phases))


def _run_paths(folder: Path, name: str) -> list[Path]:
    places = (folder / "runs").glob("*/")
    return sorted(path for path in places if RunFolder(path).name == name)


def _read(path: Path, config: ExperimentConfig) -> Run | None:
    """None for a run that has not come to its end, or that is of an earlier state of the configuration."""
    run = RunFolder(path)
    if not run.is_complete or not run.evaluation_path.is_file():
        return None
    own, training = load_config(ExperimentConfig, run.config_path), config.training
    if not _are_alike(own, config):
        return None
    per_step = training.batch_size * training.accumulation_steps * config.data.sequence_length
    records = [r for r in read_metrics(run.metrics_stream_path) if r["kind"] == "validation"]
    summary = json.loads(run.metrics_path.read_text(encoding="utf-8"))
    share = summary["training_s"] / summary["wall_s"] if summary["wall_s"] else 1.0
    return Run(
        seed=own.seed,
        tokens=tuple(float(record["step"] * per_step) for record in records),
        losses=tuple(float(record["loss"]) for record in records),
        seconds=tuple(float(record["timing"]["time_s"]) * share for record in records),
        evaluation=read_evaluation(path),
        summary=summary,
    )


def _are_alike(own: ExperimentConfig, config: ExperimentConfig) -> bool:
    """Whether a run's configuration is the study's; the run's has its tokenizer's vocabulary."""
    model = config.era.model_copy(update={"vocab_size": own.model.vocab_size})
    expected = (model, config.training, config.data)
    return [part.model_dump() for part in (own.model, own.training, own.data)] == [
        part.model_dump() for part in expected
    ]
