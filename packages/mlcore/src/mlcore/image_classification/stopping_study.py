"""Does adaptive stopping end where the best fixed length would have, and with the same accuracy?

Three trainings of each configuration with each seed: one that ends by itself; one that does not, from which every
shorter length can be read; and one of the length that turned out best, judged on the test images beside the first.
S seeds, N lengths in epochs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.environment import describe_environment
from mlcore.errors import ConfigError
from mlcore.evaluator import read_evaluation
from mlcore.image_classification.comparison import judge_once, training_job
from mlcore.image_classification.config import ImageExperimentConfig
from mlcore.image_classification.fixed_budgets import best_budget, kept_accuracies, validation_curve
from mlcore.image_classification.stopping_display import draw_budgets, markdown_table, table
from mlcore.logger.plain_values import write_json_atomic
from mlcore.runs import RunFolder
from mlcore.statistics import ModelStatistics
from mlcore.study import Job, run_study
from mlcore.study.seeds import parse_seeds

Judge = Callable[[RunFolder], object]
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
        """What the study calls its training: kind is adaptive, longest or fixed."""
        return f"{self.name}_{kind}_{seed}"

    def accuracy_SN(self, runs: Mapping[str, RunFolder], seeds: Sequence[int]) -> NDArray[np.float64]:
        """Validation accuracy by seed and length, read from the longest runs."""
        monitor = self.config.training.monitor.removeprefix("val_")
        curves = [validation_curve(runs[self.key("longest", seed)]) for seed in seeds]
        return np.array(
            [kept_accuracies(curve, monitor, self.config.training.monitor_mode) for curve in curves]
        )


def study_stopping(
    options: Options, *, schema: type[ImageExperimentConfig], name: str, judge_on_test: Judge
) -> int:
    """Train what is not trained yet, compare, and keep JSON, table and figure; 1 if a run failed.

    Args:
        options: with the values of `mlcore.image_classification.options.STOPPING_OPTIONS`.
        schema: of the configurations.
        name: of the study's folder and files.
        judge_on_test: opens the test images for a finished run and writes its evaluation.json.

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
    """All three kinds of training, by key; None if one failed. The fixed length follows from the longest runs."""

    def job(contender: Contender, kind: str, seed: int, epochs: int | None) -> Job:
        length = [] if epochs is None else [f"training.epochs={epochs}", "training.early_stopping=null"]
        key = contender.key(kind, seed)
        return training_job(
            options, type(contender.config), key, contender.path, seed, folder / "runs", length
        )

    kinds = (("adaptive", None), ("longest", options.extra["longest"]))
    first = [job(c, kind, seed, epochs) for c in contenders for kind, epochs in kinds for seed in seeds]
    runs = run_all(options, first, folder)
    if runs is None:
        return None
    budgets = {c.name: best_budget(c.accuracy_SN(runs, seeds)) for c in contenders}
    second = [job(c, "fixed", seed, budgets[c.name]) for c in contenders for seed in seeds]
    more = run_all(options, second, folder)
    return None if more is None else runs | more


def run_all(options: Options, jobs: Sequence[Job], folder: Path) -> dict[str, RunFolder] | None:
    """The runs by their jobs' keys; None, and a table of what happened, if one failed."""
    study = run_study(jobs, folder, num_workers=options.extra["workers"])
    if study.exit_code:
        print(study.table())
        return None
    return {result.key: RunFolder(result.run_path) for result in study if result.run_path is not None}


def figures_of(
    contender: Contender, runs: Mapping[str, RunFolder], seeds: Sequence[int], judge_on_test: Judge
) -> dict[str, Any]:
    """Epochs and test accuracies of one configuration, and what they show."""
    accuracy_SN = contender.accuracy_SN(runs, seeds)
    budget = best_budget(accuracy_SN)
    for seed in seeds:
        check_prefix(runs[contender.key("fixed", seed)], runs[contender.key("longest", seed)])
    epochs = [len(validation_curve(runs[contender.key("adaptive", seed)])) for seed in seeds]
    accuracy = {
        kind: {seed: accuracy_on_test(runs[contender.key(kind, seed)], judge_on_test) for seed in seeds}
        for kind in ("adaptive", "fixed")
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


def check_prefix(shorter: RunFolder, longer: RunFolder) -> None:
    """The sweep rests on this: a shorter run is the beginning of a longer one, to the bit.

    Raises:
        ConfigError: it is not: something in the configuration depends on the length.
    """
    curve = validation_curve(shorter)
    if curve != validation_curve(longer)[: len(curve)]:
        raise ConfigError(
            f"{shorter.path}: not the beginning of {longer.path}: something depends on the number of epochs"
        )


def accuracy_on_test(run: RunFolder, judge_on_test: Judge) -> float:
    """The run's accuracy on the test images, which are opened for it once."""
    judge_once(run, judge_on_test)
    return float(read_evaluation(run.path)["metrics"]["accuracy"])
