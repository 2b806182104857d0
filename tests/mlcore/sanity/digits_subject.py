"""A healthy subject on scikit-learn's handwritten digits (8 × 8), with places where a fault can be planted."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from mlcore.sanity import CheckResult, SanitySubject, plain_training
from mlcore.sanity.battery import CHECKS
from mlcore.sanity.bench import Bench
from mlcore.sanity.effort import Effort
from mlcore.trainer import ClassificationTrainer, TrainingConfig
from sklearn.datasets import load_digits
from torch import Tensor, nn

Examples = tuple[Tensor, Tensor]
TRAINING = TrainingConfig(
    epochs=20,
    optimizer="adam",
    learning_rate=0.005,
    weight_decay=1e-4,
    label_smoothing=0.1,
    schedule="cosine",
    early_stopping={"patience": 3},
    ema_decay=0.9,
)


@cache
def splits() -> dict[str, Examples]:
    """Bytes-like images (N, 1, 8, 8) of values 0 to 16, and labels: 1,100, 350 and 347 of them."""
    data = load_digits()
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(data.target), generator=generator)
    images = torch.from_numpy(data.images).float()[order, None]
    labels = torch.from_numpy(data.target).long()[order]
    ends = {"train": (0, 1100), "validation": (1100, 1450), "test": (1450, 1797)}
    return {name: (images[a:b], labels[a:b]) for name, (a, b) in ends.items()}


def normalise(images: Tensor) -> Tensor:
    """With the constants of the training split."""
    known = splits()["train"][0]
    return (images - known.mean()) / known.std()


def hashes(images: Tensor) -> list[str]:
    return [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in images]


class Batches:
    """Seeded, shuffled batches of whole tensors."""

    def __init__(self, examples: Examples, *, batch_size: int = 100, shuffle: bool = True) -> None:
        self.examples, self.batch_size, self.shuffle, self.epoch = examples, batch_size, shuffle, 0

    def __len__(self) -> int:
        return -(-len(self.examples[1]) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Examples]:
        inputs, labels = self.examples
        generator = torch.Generator().manual_seed(self.epoch)
        order = (
            torch.randperm(len(labels), generator=generator) if self.shuffle else torch.arange(len(labels))
        )
        for rows in order.split(self.batch_size):
            yield inputs[rows], labels[rows]


def digits_model(seed: int = 0) -> nn.Module:
    """Two hidden layers with dropout, as the project's small network has them."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(),
        nn.Dropout(0.2), nn.Linear(32, 10),
    )  # fmt: skip


def without_dropout(seed: int) -> nn.Module:
    """One hidden layer, which learns by heart quickly."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def convolutional_model(seed: int = 0) -> nn.Module:
    """Convolutions with batch normalisation and dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip


def make_trainer(
    model: nn.Module, *, steps: int, learning_rate: float | None, seed: int, **changes: Any
) -> ClassificationTrainer:
    config = plain_training(TRAINING, steps=steps, learning_rate=learning_rate).model_copy(update=changes)
    return ClassificationTrainer(model, config, device="cpu", seed=seed)


def digits_subject(
    *,
    model: Callable[[int], nn.Module] = digits_model,
    train: Examples | None = None,
    validation: Examples | None = None,
    normalise_training: Callable[[Tensor], Tensor] = normalise,
    normalise_evaluation: Callable[[Tensor], Tensor] = normalise,
    **changes: Any,
) -> SanitySubject:
    """The healthy subject; ``train`` and ``validation`` replace the raw splits, ``changes`` whole factories."""
    train_images, train_labels = train or splits()["train"]
    validation_images, validation_labels = validation or splits()["validation"]
    stored = {"train": train_images, "validation": validation_images, "test": splits()["test"][0]}
    subject = SanitySubject(
        num_classes=10,
        make_model=model,
        make_trainer=make_trainer,
        make_train_loader=lambda: Batches((normalise_training(train_images), train_labels)),
        make_validation_loader=lambda: Batches(
            (normalise_evaluation(validation_images), validation_labels), shuffle=False
        ),
        make_ordered_loader=lambda: Batches(
            (normalise_evaluation(train_images), train_labels), shuffle=False
        ),
        image_hashes=lambda: {name: hashes(images) for name, images in stored.items()},
        duplicate_tolerance=0.005,
    )
    return dataclasses.replace(subject, **changes)


# Enough for digits, and quick.
SMALL = Effort(
    num_examples=1100,
    num_initial_models=2,
    determinism_steps=3,
    single_batch_steps=70,
    relation_steps=100,
    overfit_examples=64,
    overfit_epochs=20,
    random_examples=128,
    random_epochs=40,
)


def examine(subject: SanitySubject, name: str, *, seed: int = 0) -> CheckResult:
    """One check by its name, at small sizes, without the battery around it."""
    check = next(check for check in CHECKS if check.name == name)
    return check.run(Bench(subject, SMALL, seed=seed)).as_result(name, 0.0)


class Changed(nn.Module):
    """The digits model with something done to its inputs, its features or its outputs."""

    def __init__(self, seed: int, **changes: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        layers = list(digits_model(seed).children())
        self.features, self.head = nn.Sequential(*layers[:4]), nn.Sequential(*layers[4:])
        self.changes = changes

    def forward(self, images: Tensor) -> Tensor:
        features = self._changed("features", self.features(self._changed("inputs", images)))
        return self._changed("outputs", self.head(features))

    def _changed(self, name: str, value: Tensor) -> Tensor:
        return self.changes[name](value) if name in self.changes else value


def changed(**changes: Callable[[Tensor], Tensor]) -> Callable[[int], nn.Module]:
    return lambda seed: Changed(seed, **changes)
