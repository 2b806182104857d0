"""What scikit-learn's classifiers reach on the same split: the figures that a network must beat."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mlcore.evaluator.classification import classification_metrics
from mlcore.logger.plain_values import write_json_atomic
from mldata.images.dataset import ImageDataset
from mldata.locations import cache_folder

FEW_IMAGES = 5_000  # up to so many training images the baselines take a second and are always shown
SEED = 0


def estimators() -> Mapping[str, Callable[[], Any]]:
    """Name and maker of each baseline, with scikit-learn's own settings wherever they work."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    return {
        "logistic_regression": lambda: LogisticRegression(C=0.1, max_iter=200, random_state=SEED),
        "k_nearest_neighbours": lambda: KNeighborsClassifier(n_neighbors=3, weights="distance"),
        "random_forest": lambda: RandomForestClassifier(n_estimators=200, n_jobs=-1, random_state=SEED),
    }


def known_baselines(train: ImageDataset, images: ImageDataset) -> dict[str, Any]:
    """The baselines' figures on `images`: those kept from an earlier training, or made now where that is quick."""
    kept = kept_path(train, images)
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))
    return fit_baselines(train, images) if len(train) <= FEW_IMAGES else {}


def train_baselines(train: ImageDataset, images: ImageDataset) -> None:
    """Train the baselines on `train`, judge them on `images` and keep the figures in the cache."""
    kept = kept_path(train, images)
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(kept, fit_baselines(train, images))


def kept_path(train: ImageDataset, images: ImageDataset) -> Path:
    """Where the figures of baselines trained on `train` and judged on `images` lie."""
    return (
        cache_folder()
        / "processed"
        / "baselines"
        / f"{train.fingerprint[:16]}_{images.fingerprint[:16]}.json"
    )


def fit_baselines(train: ImageDataset, images: ImageDataset) -> dict[str, Any]:
    """Accuracy with its interval, cross-entropy and seconds of every baseline."""
    found = {}
    for name, make in estimators().items():
        began = time.perf_counter()
        estimator = make().fit(features(train), train.labels.numpy())
        seconds = time.perf_counter() - began
        probabilities = np.zeros((len(images), images.num_classes))
        probabilities[:, estimator.classes_] = estimator.predict_proba(features(images))
        logits = np.log(np.clip(probabilities, 1e-6, None))
        metrics = classification_metrics(logits, images.labels, images.classes).as_dict()
        found[name] = {
            "accuracy": metrics["accuracy"],
            "accuracy_interval": metrics["accuracy_interval"],
            "loss": metrics["loss"],
            "fit_time_s": round(seconds, 2),
            "method": f"scikit-learn, trained on {len(train):,} images",
        }
    return found


def features(images: ImageDataset) -> np.ndarray:
    """(N, H · W · C) pixels from 0 to 1."""
    pixels: np.ndarray = images.images.flatten(1).numpy().astype(np.float32) / 255
    return pixels
