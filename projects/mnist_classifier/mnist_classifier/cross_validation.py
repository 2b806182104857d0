"""`train --cross-validate K`: K runs, each validated on another part of all training images."""

import sys
import time
from pathlib import Path

from mlcore.cli import Options
from mlcore.config import dump_config
from mlcore.errors import UserError
from mlcore.evaluator import read_evaluation
from mlcore.logger.plain_values import write_json_atomic
from mlcore.statistics import summarize
from mlcore.study import Job, StudyResult, run_study

from mnist_classifier.config import ExperimentConfig


class FoldsMissingError(UserError):
    """Some folds did not come to their end."""


def cross_validate(config: ExperimentConfig, options: Options, num_folds: int, workers: int | None) -> None:
    """Train on all but one fold, for each fold in turn; mean and spread of the validation accuracy.

    The folder of the study keeps one run folder a fold, and `cross_validation.json`.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = options.runs_dir / "studies" / f"{config.name}_{num_folds}_folds_{stamp}"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    jobs = [
        Job(f"fold_{fold}", fold_command(options.project, folder, num_folds, fold))
        for fold in range(num_folds)
    ]
    study = run_study(jobs, folder, num_workers=None if workers is None else min(workers, num_folds))
    print(study.table())
    report_folds(study, folder)


def fold_command(project: Path, folder: Path, num_folds: int, fold: int) -> tuple[str, ...]:
    """The words that train on all folds but this one."""
    settings = (f"data.num_folds={num_folds}", f"data.fold={fold}", f"name=fold_{fold}")
    words = [word for setting in settings for word in ("--set", setting)]
    places = ("--config", str(folder / "config.yaml"), "--runs-dir", str(folder / "runs"))
    return (sys.executable, str(project / "train.py"), *places, *words)


def report_folds(study: StudyResult, folder: Path) -> None:
    """Print and keep the accuracy of every fold, and their mean."""
    if study.failed:
        names = ", ".join(result.key for result in study.failed)
        raise FoldsMissingError(f"no cross-validation without {names}; their logs are in {folder / 'logs'}")
    accuracies = {
        result.key: float(read_evaluation(result.run_path)["metrics"]["accuracy"])
        for result in study
        if result.run_path is not None
    }
    summary = summarize(list(accuracies.values()))
    write_json_atomic(folder / "cross_validation.json", {"folds": accuracies, "summary": summary.as_dict()})
    print(f"\nvalidation accuracy of {len(accuracies)} folds: {summary}")
    print(f"study   {folder}")
