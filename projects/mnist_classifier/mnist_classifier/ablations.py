"""The command `run_ablations`: each configuration of configs/ablations with each seed, against the reference."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.device import choose_device
from mlcore.errors import ConfigError
from mlcore.evaluator import read_evaluation
from mlcore.experiments import ExperimentLogger
from mlcore.logger.plain_values import write_json_atomic
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.statistics import ModelStatistics
from mlcore.study import Job, run_study
from rich.console import Console

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig
from mnist_classifier.evaluation import judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REFERENCE = "reference"
METRIC = "test.accuracy"


def run_ablations(options: Options) -> int:
    """Train what is not trained yet, judge every run on the test images, and compare; 1 if a run failed."""
    folder = options.extra["output"] or options.runs_dir / "studies" / "ablations"
    seeds = parse_seeds(options.extra["seeds"])
    configs = find_configs(options.extra["configs"] or options.project / "configs" / "ablations")
    cores = os.cpu_count() or 1
    workers = options.extra["workers"] or cores
    study = run_study(
        [ablation_job(options, folder, path, seed) for path in configs for seed in seeds],
        folder,
        num_workers=workers,
        threads_per_worker=max(1, cores // workers),
    )
    print(study.table())
    for result in study:
        if result.status == "done" and result.run_path is not None:
            judge_once(RunFolder(result.run_path))
    report(folder)
    return study.exit_code


def parse_seeds(text: str) -> list[int]:
    """ "42,123,456" as numbers."""
    try:
        seeds = [int(word) for word in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"command line: --seeds: {text!r} is not a list of whole numbers: 42,123,456"
        ) from None
    if len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise ConfigError(f"command line: --seeds: {text!r} holds a seed twice or a negative one")
    return seeds


def find_configs(folder: Path) -> list[Path]:
    """The configurations of a folder, the reference first."""
    found = sorted(folder.glob("*.yaml"), key=lambda path: (path.stem != REFERENCE, path.stem))
    if not found or found[0].stem != REFERENCE:
        raise ConfigError(f"{folder}: no {REFERENCE}.yaml, with which the others are compared")
    return found


def ablation_job(options: Options, folder: Path, config: Path, seed: int) -> Job:
    """Training of one configuration with one seed."""
    places = ("--config", str(config), "--seed", str(seed), "--runs-dir", str(folder / "runs"))
    settings = [word for setting in options.extra["settings"] for word in ("--set", setting)]
    command = (sys.executable, str(options.project / "train.py"), *places, "--no-tensorboard", *settings)
    return Job(f"{config.stem}_{seed}", command)


def judge_once(run: RunFolder) -> None:
    """Open the test images for a run that was not judged on them yet."""
    if run.evaluation_path.is_file() and read_evaluation(run.path)["split"] == "test":
        return
    config = load_config(ExperimentConfig, run.config_path)
    classifier = build.read_classifier(run.checkpoints / "best.pt", choose_device(config.device))
    images = build.load_split(config.data, "test")
    judge(run, classifier, images, config=config, checkpoint=run.checkpoints / "best.pt")
    build_report(run.path)


def report(folder: Path) -> None:
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
    content = {
        "seeds": seeds,
        "repeats": len(seeds),
        "table": table.markdown().splitlines(),
        "statistics": statistics.as_dict(),
        "comparisons": table.as_dict(),
        "runs": [{"name": run.name, "seed": run.seed, "status": run.status} for run in ledger],
    }
    write_json_atomic(folder / "ablations.json", content)
    draw(statistics).savefig(folder / "ablations.png", dpi=144)
    print(f"\nstudy   {folder}")


def accuracies(ledger: ExperimentLogger) -> dict[str, dict[int, float]]:
    """Test accuracy by configuration and seed, from the ledger; of several runs of a seed the newest."""
    found: dict[str, dict[int, float]] = {}
    for run in ledger.query(status="complete"):
        if METRIC not in run.metrics:
            continue
        found.setdefault(run.name, {})[int(run.config["seed"])] = run.metrics[METRIC]
    return found


def draw(statistics: ModelStatistics) -> "Figure":
    """Every run as a dot, the mean and its 95 % interval beside them."""
    from matplotlib.figure import Figure

    ranking = [name for name, _ in reversed(statistics.ranking())]
    figure = Figure(figsize=(7, 0.5 * len(ranking) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    for row, name in enumerate(ranking):
        summary = statistics.summary(name)
        if summary.interval is not None:
            axes.hlines(row, *summary.interval, color="0.6", linewidth=2)
        if summary.mean is not None:
            axes.plot(summary.mean, row, "|", color="black", markersize=14)
        axes.plot(statistics.values(name), [row] * summary.n, "o", color="#0072b2", alpha=0.7)
    axes.set_yticks(range(len(ranking)), [name.replace("_", " ") for name in ranking])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
    axes.set_xlabel("test accuracy: runs (dots), mean and its 95 % interval")
    axes.grid(axis="x", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
