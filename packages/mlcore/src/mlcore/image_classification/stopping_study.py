"""Does adaptive stopping end where the best fixed length would have, and with the same accuracy?

Two trainings of each configuration with each seed: one that ends by itself, and one that does not, from which every
shorter length can be read, for it keeps the weights of every epoch. Those that the best length would have kept are
judged on the test images beside the run that ended by itself. S seeds, N lengths in epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from rich.console import Console

from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.environment import describe_environment
from mlcore.errors import ConfigError
from mlcore.evaluator import read_evaluation
from mlcore.image_classification.comparison import Judge, judge_once, training_job
from mlcore.image_classification.config import ImageExperimentConfig
from mlcore.image_classification.fixed_budgets import (
    best_budget,
    checkpoint_of_epoch,
    kept_epochs,
    validation_curve,
)
from mlcore.image_classification.stopping_display import draw_budgets, markdown_table, table
from mlcore.logger.plain_values import write_json_atomic
from mlcore.runs import RunFolder
from mlcore.statistics import ModelStatistics
from mlcore.study import Job, run_study
from mlcore.study.seeds import parse_seeds

MAX_RATIO = 1.3
"""So many times the epochs of the best fixed length may adaptive stopping take."""


@dataclass(frozen=True)
class Contender:
    """A configuration that ends by adaptive stopping alone."""

    path: Path
    config: ImageExperimentConfig

    @property
    def name(self) -> str:
        return self.path.stem

    def key(self, kind: str, seed: int) -> str:
        """What the study calls its training: kind is adaptive or longest."""
        return f"{self.name}_{kind}_{seed}"

    def kept_epochs(self, longest: RunFolder) -> list[int]:
        """By length in epochs, the epoch whose weights a run of that length would have kept."""
        training = self.config.training
        curve = validation_curve(longest)
        return kept_epochs(curve, training.monitor.removeprefix("val_"), training.monitor_mode)

    def accuracy_N(self, longest: RunFolder) -> list[float]:
        """By length in epochs, the validation accuracy of those weights."""
        curve = validation_curve(longest)
        return [curve[epoch - 1]["accuracy"] for epoch in self.kept_epochs(longest)]

    def checkpoint_of_length(self, longest: RunFolder, num_epochs: int) -> Path:
        """The weights that a run of so many epochs would have kept."""
        return checkpoint_of_epoch(longest, self.kept_epochs(longest)[num_epochs - 1])


def study_stopping(
    options: Options, *, schema: type[ImageExperimentConfig], name: str, judge_on_test: Judge
) -> int:
    """Train what is not trained yet, compare, and keep JSON, table and figure; 1 if a run failed.

    Args:
        options: with the values of `mlcore.image_classification.options.STOPPING_OPTIONS`.
        schema: of the configurations.
        name: of the study's folder and files.
        judge_on_test: opens the test images for a checkpoint of a finished run and writes the run's evaluation.json.

    Raises:
        ConfigError: a configuration that does not end by itself, or fewer than two seeds.
    """
    folder = options.extra["output"] or options.runs_dir / "studies" / name
    seeds = parse_seeds(options.extra["seeds"])
    if len(seeds) < 2:
        raise ConfigError("command line: --seeds: the noise of a seed needs two seeds or more")
    contenders = [
        read_contender(options.project / "configs" / f"{stem.strip()}.yaml", schema)
        for stem in options.extra["configs"].split(",")
    ]
    runs = train(options, contenders, seeds, folder)
    if runs is None:
        return 1
    models = {contender.name: figures_of(contender, runs, seeds, judge_on_test) for contender in contenders}
    content = {
        "seeds": seeds,
        "repeats": len(seeds),
        "longest": options.extra["longest"],
        "table": markdown_table(models),
        "models": models,
        "environment": describe_environment(options.project),
    }
    write_json_atomic(folder / f"{name}.json", content)
    draw_budgets(models).savefig(folder / f"{name}.png", dpi=144)
    Console().print(table(models))
    print(f"\nstudy   {folder}")
    return 0


def read_contender(path: Path, schema: type[ImageExperimentConfig]) -> Contender:
    """The configuration of a file, which must end by itself."""
    config = load_config(schema, path)
    if not config.training.is_open_ended:
        raise ConfigError(f"{path}: needs early_stopping {{policy: adaptive}} and neither epochs nor steps")
    if config.training.monitor not in ("val_loss", "val_accuracy"):
        raise ConfigError(f"{path}: training.monitor must be val_loss or val_accuracy for this study")
    return Contender(path, config)


def train(
    options: Options, contenders: Sequence[Contender], seeds: Sequence[int], folder: Path
) -> dict[str, RunFolder] | None:
    """Both kinds of training, by key; None, and a table of what happened, if one failed."""
    longest = options.extra["longest"]
    settings_of = {
        "adaptive": [],
        "longest": [
            f"training.epochs={longest}",
            "training.early_stopping=null",
            # One checkpoint an epoch, and all of them stay.
            "training.save_every=null",
            f"training.keep_last={longest}",
        ],
    }

    def job(contender: Contender, kind: str, seed: int) -> Job:
        schema, key = type(contender.config), contender.key(kind, seed)
        return training_job(options, schema, key, contender.path, seed, folder / "runs", settings_of[kind])

    jobs = [job(c, kind, seed) for c in contenders for kind in settings_of for seed in seeds]
    study = run_study(jobs, folder, num_workers=options.extra["workers"])
    if study.exit_code:
        print(study.table())
        return None
    return {result.key: RunFolder(result.run_path) for result in study if result.run_path is not None}


def figures_of(
    contender: Contender, runs: Mapping[str, RunFolder], seeds: Sequence[int], judge_on_test: Judge
) -> dict[str, Any]:
    """Epochs and test accuracies of one configuration, and what they show."""
    adaptive = {seed: runs[contender.key("adaptive", seed)] for seed in seeds}
    longest = {seed: runs[contender.key("longest", seed)] for seed in seeds}
    for seed in seeds:
        check_same_beginning(adaptive[seed], longest[seed])
    accuracy_SN = np.array([contender.accuracy_N(longest[seed]) for seed in seeds])
    budget = best_budget(accuracy_SN)
    epochs = [len(validation_curve(adaptive[seed])) for seed in seeds]
    kept = {seed: contender.checkpoint_of_length(longest[seed], budget) for seed in seeds}
    accuracy = {
        "adaptive": {seed: accuracy_on_test(adaptive[seed], judge_on_test) for seed in seeds},
        "fixed": {seed: accuracy_on_test(longest[seed], judge_on_test, kept[seed]) for seed in seeds},
    }
    statistics = ModelStatistics(accuracy, metric="test accuracy")
    noise = statistics.summary("fixed").sd or 0.0
    lost = fmean(accuracy["fixed"].values()) - fmean(accuracy["adaptive"].values())
    return {
        "best_budget": budget,
        "adaptive_epochs": epochs,
        "epochs_ratio": fmean(epochs) / budget,
        "accuracy_lost": lost,
        "seed_noise": noise,
        "holds": {"epochs": fmean(epochs) <= MAX_RATIO * budget, "accuracy": lost <= noise},
        "test_accuracy": {kind: list(values.values()) for kind, values in accuracy.items()},
        "comparison": statistics.compare("adaptive", "fixed").as_dict(),
        "validation_accuracy_by_budget": accuracy_SN.tolist(),
    }


def check_same_beginning(first: RunFolder, second: RunFolder) -> None:
    """The sweep rests on this: the shorter run is the beginning of the longer one, to the bit.

    Raises:
        ConfigError: it is not: something in the configuration depends on the length.
    """
    curves = [validation_curve(run) for run in (first, second)]
    common = min(map(len, curves))
    if curves[0][:common] != curves[1][:common]:
        raise ConfigError(
            f"{first.path}: does not begin like {second.path}: something depends on the number of epochs"
        )


def accuracy_on_test(run: RunFolder, judge_on_test: Judge, checkpoint: Path | None = None) -> float:
    """The accuracy of a checkpoint (the run's best) on the test images, which are opened for it once."""
    judge_once(run, judge_on_test, checkpoint)
    return float(read_evaluation(run.path)["metrics"]["accuracy"])
