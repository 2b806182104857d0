"""The run of a classifier as its commands leave it: curves, evaluation with baselines, figures."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from mlcore.evaluator import classification_metrics, fit_temperature
from mlcore.logger import TrainingLogger

DIGITS = [str(digit) for digit in range(10)]
ALIKE = [(4, 9), (9, 4), (3, 5), (5, 3), (7, 2), (7, 9), (2, 7), (8, 3), (6, 0), (5, 8)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def digit_logits(count: int, *, sharpness: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits (count, 10) and targets like those of an overconfident classifier that mistakes 4 for 9."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(10, size=count, p=np.array([98, 114, 103, 101, 98, 89, 96, 103, 97, 101]) / 1000)
    logits = rng.normal(size=(count, 10))
    logits[np.arange(count), targets] += rng.gamma(6.0, sharpness, size=count)
    for true, other in ALIKE:
        logits[targets == true, other] += rng.exponential(1.6, size=(targets == true).sum())
    return logits * 1.6, targets


def write_classifier_training(folder: Path, *, num_epochs: int = 15, steps_per_epoch: int = 94) -> None:
    """Drives a TrainingLogger as the trainer of a classifier does: steps, validations, epochs."""
    noise, clock = np.random.default_rng(4), Clock()
    logger = TrainingLogger(
        folder,
        mode="silent",
        tensorboard=False,
        clock=clock,
        item_name="images",
        total_steps=num_epochs * steps_per_epoch,
    )
    logger.start({"device": "cpu", "precision": "float32", "parameters": 235_146, "model": "fc"})
    step = 0
    for epoch in range(1, num_epochs + 1):
        for _ in range(steps_per_epoch):
            step += 1
            clock.now += 0.011
            if step % 5:
                continue
            error = 0.012 + 0.88 * math.exp(-step / 22) + 0.1 * math.exp(-step / 300)
            accuracy = 1 - noise.binomial(512, error) / 512
            loss = 3.1 * error * noise.normal(1, 0.08)
            rate = 1e-3 * 0.5 * (1 + math.cos(math.pi * step / (num_epochs * steps_per_epoch)))
            record = {
                "loss": loss,
                "lr": rate,
                "grad_norm": 0.4 + 3 * error,
                "status": "ok",
                "accuracy": accuracy,
            }
            logger.log_step(step, {**record, "skipped": 0}, num_items=5 * 512)
        error = 0.019 + 0.05 * math.exp(-epoch / 2.5) + noise.normal(0, 0.0007)
        val = {"loss": 3.4 * error + 0.0011 * max(0, epoch - 9), "accuracy": 1 - error}
        logger.log_validation(step, val)
        logger.log_epoch(epoch, {"train": {"loss": loss, "accuracy": accuracy}, "val": val}, step=step)
    logger.finish(
        "early_stopped", {"reason": "val_loss has not improved by 0.001 for 5 epochs", "best": None}
    )


def evaluation_of_digits(names: list[str] = DIGITS) -> dict[str, Any]:
    """Arguments of `write_evaluation` for a classifier of ten classes and its baselines."""
    temperature = fit_temperature(*digit_logits(4_000, sharpness=1.35, seed=1))
    test = digit_logits(10_000, sharpness=1.35, seed=2)
    baselines = {}
    for name, method, sharpness, seconds in [
        ("logistic_regression", "multinomial, L2, scikit-learn", 0.9, 21.4),
        ("k-nearest neighbours", "k = 3, Euclidean, scikit-learn", 1.2, 0.3),
        ("random_forest", "300 trees, scikit-learn", 1.19, 64.0),
    ]:
        scores = classification_metrics(*digit_logits(10_000, sharpness=sharpness, seed=3), names).as_dict()
        baselines[name] = {**scores, "method": method, "fit_time_s": seconds}
    return {
        "checkpoint": "checkpoints/best.pt",
        "split": "test",
        "metrics": classification_metrics(*test, names, temperature=temperature),
        "baselines": baselines,
    }


def draw_gallery() -> Figure:
    """A failure gallery: 5 x 5 blurred strokes, each with what it was and what it was taken for."""
    rng = np.random.default_rng(0)
    figure = Figure(figsize=(8, 5), layout="constrained")
    for axes in figure.subplots(4, 7).flat:
        y, x = np.mgrid[0:28, 0:28]
        (cx, cy), radius = rng.uniform(10, 18, size=2), rng.uniform(4, 8)
        axes.imshow(np.exp(-((np.hypot(x - cx, (y - cy) * 0.8) - radius) ** 2) / 4), cmap="gray_r")
        true, other = rng.choice(10, size=2, replace=False)
        axes.set_title(f"{true} → {other}  {rng.uniform(0.8, 1):.1%}", fontsize=8)
        axes.axis("off")
    return figure


def draw_filters() -> Figure:
    """First-layer filters: smooth noise in a grid."""
    rng = np.random.default_rng(1)
    figure = Figure(figsize=(4, 4), layout="constrained")
    for axes in figure.subplots(5, 5).flat:
        axes.imshow(rng.normal(size=(5, 5)), cmap="coolwarm", interpolation="bicubic")
        axes.axis("off")
    return figure
