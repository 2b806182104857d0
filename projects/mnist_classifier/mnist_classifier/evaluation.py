"""The command `evaluate`: accuracy and its relatives on a split that training never saw, beside plain baselines."""

from pathlib import Path
from typing import Any

import torch
from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.evaluator import classification_metrics, fit_temperature, read_evaluation, write_evaluation
from mlcore.experiments.predictions import write_predictions
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.training_run import checkpoint_to_evaluate
from mldata.images.dataset import ImageDataset
from torch import Tensor

from mnist_classifier import build
from mnist_classifier.baselines import known_baselines, train_baselines
from mnist_classifier.config import ExperimentConfig


def evaluate(config: ExperimentConfig, options: Options) -> None:
    """Judge a trained model: accuracy with its interval, every class, calibration, confusion matrix."""
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    classifier = build.read_classifier(checkpoint, choose_device(config.device))
    images = build.load_split(config.data, options.extra["split"])
    if options.extra["baselines"]:
        train_baselines(build.training_splits(config.data)[0], images)
    content = judge(run, classifier, images, config=config, checkpoint=checkpoint)
    print_evaluation(content)
    if run is not None:
        print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")


def judge(
    run: RunFolder | None,
    classifier: build.Classifier,
    images: ImageDataset,
    *,
    config: ExperimentConfig,
    checkpoint: Path | None = None,
) -> dict[str, Any]:
    """Everything that evaluation.json holds; written into the run folder where there is one."""
    evaluation = config.evaluation
    train, validation = build.training_splits(config.data)
    logits = predict(classifier, images, batch_size=evaluation.batch_size, shifts=evaluation.shifts)
    metrics = classification_metrics(
        logits, images.labels, classifier.classes, temperature=temperature_of(classifier, images, validation)
    )
    content: dict[str, Any] = {
        "checkpoint": "last weights" if checkpoint is None else checkpoint.name,
        "split": images.split,
        "metrics": metrics.as_dict(),
        "baselines": known_baselines(train, images),
        "test_time_shifts": evaluation.shifts,
    }
    if run is None:
        return content
    write_evaluation(run.path, **content)
    write_predictions(
        run.path,
        split=images.split,
        fingerprint=images.fingerprint,
        labels=images.labels.tolist(),
        predictions=logits.argmax(dim=1).tolist(),
    )
    return read_evaluation(run.path)


def temperature_of(
    classifier: build.Classifier, images: ImageDataset, validation: ImageDataset | None
) -> float | None:
    """The temperature that calibrates the model on its validation images; None when it is these that are judged."""
    if validation is None or images.split != "test":
        return None
    return fit_temperature(predict(classifier, validation), validation.labels)


def predict(
    classifier: build.Classifier, images: ImageDataset, *, batch_size: int = 1000, shifts: int = 0
) -> Tensor:
    """Logits (N, K); with `shifts`, log-probabilities averaged over the image and copies of it moved so far."""
    found = []
    with torch.inference_mode():
        for batch, _ in classifier.batches(images, batch_size):
            copies = [classifier.model(copy) for copy in moved(batch.to(classifier.device), shifts)]
            if len(copies) == 1:
                found.append(copies[0].cpu())
                continue
            probabilities = torch.stack([copy.softmax(dim=1) for copy in copies]).mean(dim=0)
            found.append(probabilities.log().cpu())
    return torch.cat(found)


def moved(batch: Tensor, shifts: int) -> list[Tensor]:
    """The batch, and for each distance up to `shifts` four copies of it moved along the axes."""
    copies = [batch]
    for distance in range(1, shifts + 1):
        # The border of a normalised image is its darkest value, which rolling over the edge keeps.
        for axis in (2, 3):
            copies += [batch.roll(distance, axis), batch.roll(-distance, axis)]
    return copies


def print_evaluation(content: dict[str, Any]) -> None:
    """The figures as tables."""
    from rich.console import Console

    from mnist_classifier.presentation import class_table, confusion_table, figures_table

    console = Console()
    for table in (figures_table(content), class_table(content), confusion_table(content)):
        console.print(table)
