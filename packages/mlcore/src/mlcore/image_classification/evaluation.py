"""What `evaluate` does: accuracy and its relatives on a split that training never saw, beside plain baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcore.evaluator import classification_metrics, fit_temperature, read_evaluation, write_evaluation
from mlcore.experiments.predictions import write_predictions
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.config import EvaluationConfig
from mlcore.image_classification.views import views_of
from mlcore.image_classification.wiring import ImageSet
from mlcore.runs import RunFolder


def judge(
    run: RunFolder | None,
    classifier: ImageClassifier,
    images: ImageSet,
    *,
    evaluation: EvaluationConfig,
    validation: ImageSet | None,
    checkpoint: Path | None = None,
    baselines: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Everything that evaluation.json holds; written into the run folder where there is one.

    Args:
        validation: on these the temperature is fitted when other images are judged.
        checkpoint: None when the last weights are judged, which no file holds.
        more: further entries.
    """
    views = views_of(evaluation.test_time_augmentation, evaluation.shifts)
    logits = classifier.predict(images, batch_size=evaluation.batch_size, views=views)
    metrics = classification_metrics(
        logits, images.labels, classifier.classes, temperature=temperature_of(classifier, images, validation)
    )
    content: dict[str, Any] = {
        "checkpoint": "last weights" if checkpoint is None else checkpoint.name,
        "split": images.split,
        "metrics": metrics.as_dict(),
        "baselines": dict(baselines or {}),
        "data": images.name,
        "test_time_shifts": evaluation.shifts,
        "test_time_augmentation": evaluation.test_time_augmentation,
        **more,
    }
    if classifier.others:
        content["tasks"] = {
            name: classification_metrics(
                other.classifier.predict(images, batch_size=evaluation.batch_size, views=views),
                other.labels_of(images),
                other.classifier.classes,
            ).as_dict()
            for name, other in classifier.others.items()
        }
    if views is not None:
        content["accuracy_without_views"] = accuracy(classifier, images, evaluation.batch_size)
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


def accuracy(classifier: ImageClassifier, images: ImageSet, batch_size: int = 1000) -> float:
    """The share of the images whose class is found, without any averaging over views."""
    predictions = classifier.predict(images, batch_size=batch_size).argmax(dim=1)
    return float((predictions == images.labels).double().mean())


def temperature_of(
    classifier: ImageClassifier, images: ImageSet, validation: ImageSet | None
) -> float | None:
    """The temperature that calibrates the model on its validation images; None when it is these that are judged."""
    if validation is None or images.split != "test":
        return None
    return fit_temperature(classifier.predict(validation), validation.labels)
