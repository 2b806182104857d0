"""Several configurations with several seeds, each compared with the reference on the test images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.errors import ConfigError
from mlcore.evaluator import read_evaluation
from mlcore.experiments import ExperimentLogger
from mlcore.image_classification.config import ImageExperimentConfig
from mlcore.logger.plain_values import write_json_atomic
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.statistics import ModelStatistics
from mlcore.statistics.figure import draw_models
from mlcore.study import Job, run_study
from mlcore.study.base_config import variables_of
from mlcore.study.seeds import parse_seeds
from mlcore.study.training_command import training_command

Judge = Callable[[RunFolder, Path], object]
"""Opens the test images for a checkpoint of a run, and writes the run's evaluation.json."""

REFERENCE = "reference"
METRIC = "test.accuracy"
# What an architecture costs, as the ledger of runs has it: heading, key, form.
_COSTS: Mapping[str, tuple[str, str]] = {
    "parameters": ("parameters", "{:,.0f}"),
    "MFLOP an image": ("flops_per_item", "{:,.1f}"),
    "images/s": ("throughput.items_per_s", "{:,.0f}"),
    "training, s": ("training_s", "{:,.1f}"),
}


def compare_configurations(
    options: Options,
    *,
    schema: type[ImageExperimentConfig],
    name: str,
    judge_on_test: Judge,
    costs: bool = False,
) -> int:
    """Train what is not trained yet, judge every run on the test images, and compare; 1 if a run failed.

    Args:
        options: with the values of `mlcore.image_classification.options.COMPARISON_OPTIONS`.
        schema: of the configurations.
        name: of the study's folder and files, and of the folder in `configs` that holds the configurations.
        judge_on_test: opens the test images for a checkpoint of a finished run and writes the run's evaluation.json.
        costs: whether to show parameters, operations and speed as well.
    """
    folder = options.extra["output"] or options.runs_dir / "studies" / name
    seeds = parse_seeds(options.extra["seeds"])
    configs = find_configs(options.extra["configs"] or options.project / "configs" / name)
    jobs = [
        training_job(options, schema, f"{path.stem}_{seed}", path, seed, folder / "runs")
        for path in configs
        for seed in seeds
    ]
    study = run_study(jobs, folder, num_workers=options.extra["workers"])
    print(study.table())
    for result in study:
        if result.status == "done" and result.run_path is not None:
            judge_once(RunFolder(result.run_path), judge_on_test)
    report(folder, name, costs=costs)
    return study.exit_code


def find_configs(folder: Path) -> list[Path]:
    """The configurations of a folder, the reference first."""
    found = sorted(folder.glob("*.yaml"), key=lambda path: (path.stem != REFERENCE, path.stem))
    if not found or found[0].stem != REFERENCE:
        raise ConfigError(f"{folder}: no {REFERENCE}.yaml, with which the others are compared")
    return found


def training_job(
    options: Options,
    schema: type[ImageExperimentConfig],
    key: str,
    path: Path,
    seed: int,
    runs_dir: Path,
    settings: Sequence[str] = (),
) -> Job:
    """Training of the configuration of a file with one seed; `settings` go over those of the command line.

    Raises:
        ConfigError: what is wrong with file or settings.
    """
    overrides = [*options.extra["settings"], *settings]
    command = training_command(options.project, config=path, seed=seed, runs_dir=runs_dir, settings=overrides)
    return Job(key, command, env=variables_of(load_config(schema, path, overrides=overrides)), resumes=True)


def judge_once(run: RunFolder, judge_on_test: Judge, checkpoint: Path | None = None) -> None:
    """Open the test images for a run whose weights were not judged on them yet: its best, if nothing else is said."""
    checkpoint = checkpoint or run.checkpoints / "best.pt"
    if run.evaluation_path.is_file():
        evaluation = read_evaluation(run.path)
        if (evaluation["split"], evaluation["checkpoint"]) == ("test", checkpoint.name):
            return
    judge_on_test(run, checkpoint)
    build_report(run.path)


def report(folder: Path, name: str, *, costs: bool) -> None:
    """Compare every configuration with the reference over the seeds that both have, and keep table and plot."""
    ledger = ExperimentLogger(folder / "runs")
    by_name = accuracies(ledger)
    if REFERENCE not in by_name:
        print(f"no judged run of {REFERENCE}: nothing to compare with")
        return
    statistics = ModelStatistics(by_name, metric="test accuracy")
    table = statistics.compare_all(REFERENCE)
    Console().print(table.table())
    seeds = sorted({seed for found in by_name.values() for seed in found})
    content: dict[str, Any] = {
        "seeds": seeds,
        "repeats": len(seeds),
        "table": table.markdown().splitlines(),
        "statistics": statistics.as_dict(),
        "comparisons": table.as_dict(),
        "runs": [{"name": run.name, "seed": run.seed, "status": run.status} for run in ledger],
    }
    if costs:
        content["costs"] = costs_of(ledger)
        Console().print(cost_table(content["costs"]))
    write_json_atomic(folder / f"{name}.json", content)
    draw_models(statistics, as_percent=True).savefig(folder / f"{name}.png", dpi=144)
    print(f"\nstudy   {folder}")


def accuracies(ledger: ExperimentLogger) -> dict[str, dict[int, float]]:
    """Test accuracy by configuration and seed, from the ledger; of several runs of a seed the newest."""
    found: dict[str, dict[int, float]] = {}
    for run in ledger.query(status="complete"):
        if METRIC not in run.metrics:
            continue
        found.setdefault(run.name, {})[int(run.config["seed"])] = run.metrics[METRIC]
    return found


def costs_of(ledger: ExperimentLogger) -> dict[str, dict[str, float]]:
    """By configuration, the mean over its judged runs of accuracy and every cost.

    `accuracy_per_gflop` is the accuracy over the operations of training on an image.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for run in ledger.query(status="complete"):
        if METRIC in run.metrics:
            for key in (METRIC, *(key for key, _ in _COSTS.values())):
                if key in run.metrics:
                    found.setdefault(run.name, {}).setdefault(key, []).append(run.metrics[key])
    means = {
        name: {key: sum(values) / len(values) for key, values in figures.items()}
        for name, figures in found.items()
    }
    for figures in means.values():
        if figures.get("flops_per_item"):
            figures["accuracy_per_gflop"] = figures[METRIC] / (figures["flops_per_item"] / 1e9)
    return means


def cost_table(costs: Mapping[str, Mapping[str, float]]) -> Table:
    """The architectures side by side, the most accurate first."""
    table = Table(title="costs, means over the runs", title_justify="left", header_style="bold")
    table.add_column("")
    for heading in ("accuracy", *_COSTS, "accuracy a GFLOP"):
        table.add_column(heading, justify="right")
    for name, figures in sorted(costs.items(), key=lambda item: -item[1][METRIC]):
        cells = []
        for key, form in _COSTS.values():
            value = figures.get(key)
            scale = 1e6 if key == "flops_per_item" else 1
            cells.append("–" if value is None else form.format(value / scale))
        share = figures.get("accuracy_per_gflop")
        table.add_row(
            name.replace("_", " "), f"{figures[METRIC]:.2%}", *cells, "–" if share is None else f"{share:.3f}"
        )
    return table
