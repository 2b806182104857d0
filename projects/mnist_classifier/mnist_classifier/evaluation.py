"""The command `evaluate`: accuracy and its relatives on a split that training never saw, beside plain baselines."""

from pathlib import Path
from typing import Any

from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.evaluator.classification_display import print_classification
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.evaluation import judge
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.training_run import checkpoint_to_evaluate

from mnist_classifier import build
from mnist_classifier.baselines import train_baselines
from mnist_classifier.config import ExperimentConfig


def evaluate(config: ExperimentConfig, options: Options) -> None:
    """Judge a trained model: accuracy with its interval, every class, calibration, confusion matrix."""
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    classifier = build.read_classifier(checkpoint, choose_device(config.device))
    content = judge_split(
        run, classifier, options.extra["split"], config, checkpoint, with_baselines=options.extra["baselines"]
    )
    print_classification(content, "images")
    if run is not None:
        print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")


def judge_split(
    run: RunFolder | None,
    classifier: ImageClassifier,
    split: str,
    config: ExperimentConfig,
    checkpoint: Path,
    *,
    with_baselines: bool = False,
) -> dict[str, Any]:
    """What evaluation.json holds of one split."""
    images = build.load_split(config.data, split)
    train, validation = build.training_splits(config.data)
    if with_baselines:
        train_baselines(train, images)
    return judge(
        run,
        classifier,
        images,
        evaluation=config.evaluation,
        validation=validation,
        checkpoint=checkpoint,
        baselines=build.baselines(train, images),
    )
