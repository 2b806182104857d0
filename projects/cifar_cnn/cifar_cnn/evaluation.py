"""The command `evaluate`: accuracy and its relatives on a split that training never saw."""

from pathlib import Path
from typing import Any

from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.evaluator.classification_display import print_classification
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.evaluation import judge
from mlcore.image_classification.robustness import accuracies_on_spoilt, draw_robustness, robustness_table
from mlcore.report import build_report
from mlcore.report.figures import save_figure
from mlcore.runs import RunFolder
from mlcore.training_run import checkpoint_to_evaluate
from mldata.images.corruptions import SEVERITIES, corrupted
from mldata.images.dataset import ImageDataset

from cifar_cnn import build
from cifar_cnn.config import ExperimentConfig


def evaluate(config: ExperimentConfig, options: Options) -> None:
    """Judge a trained model: accuracy with its interval, every class, calibration, confusion matrix."""
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    classifier = build.read_classifier(checkpoint, choose_device(config.device))
    content = judge_split(
        run, classifier, options.extra["split"], config, checkpoint, corrupts=options.extra["corruptions"]
    )
    print_classification(content, "images")
    if "robustness" in content:
        show_robustness(run, content["robustness"])
    if run is not None:
        print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")


def judge_split(
    run: RunFolder | None,
    classifier: ImageClassifier,
    split: str,
    config: ExperimentConfig,
    checkpoint: Path,
    *,
    corrupts: bool = False,
) -> dict[str, Any]:
    """What evaluation.json holds of one split."""
    images = build.load_split(config.data, split)
    _, validation = build.training_splits(config.data)
    more = {"robustness": robustness(classifier, images, config)} if corrupts else {}
    return judge(
        run,
        classifier,
        images,
        evaluation=config.evaluation,
        validation=validation,
        checkpoint=checkpoint,
        **more,
    )


def robustness(classifier: ImageClassifier, images: ImageDataset, config: ExperimentConfig) -> dict[str, Any]:
    """Accuracy on spoilt copies of the images."""
    return accuracies_on_spoilt(
        classifier,
        images,
        lambda kind, severity: corrupted(images, kind, severity),
        SEVERITIES,
        batch_size=config.evaluation.batch_size,
    )


def show_robustness(run: RunFolder | None, content: dict[str, Any]) -> None:
    """Kinds and severities as a table, and as a figure in the run's report."""
    from rich.console import Console

    Console().print(robustness_table(content))
    if run is not None:
        title, caption = "Spoilt copies", "Kinds and severities of CIFAR-10-C; bars are 95 % intervals."
        save_figure(run.path, "robustness", draw_robustness(content), title=title, caption=caption)
