"""What the commands need of a project: the functions of its `build.py`, and the sets of images that they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from mlcore.image_classification.classifier import ImageClassifier
    from mlcore.logger import TrainingLogger
    from mlcore.runs import RunFolder
    from mlcore.trainer import ClassificationTrainer
    from mlcore.trainer.config import TrainingConfig
    from mlcore.trainer.protocols import Loader


class ImageSet(Protocol):
    """Labelled images of one split, in memory: `mldata.images.ImageDataset`, or anything like it.

    `images` (N, H, W, C) uint8; `labels` (N,) int64; `split` is "train", "validation" or "test".
    """

    @property
    def name(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def images(self) -> Tensor: ...
    @property
    def labels(self) -> Tensor: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def num_classes(self) -> int: ...
    @property
    def image_shape(self) -> tuple[int, int, int]: ...
    @property
    def fingerprint(self) -> str: ...
    def __len__(self) -> int: ...
    def subset(self, positions: Tensor | Sequence[int]) -> Self: ...


class Prepared(Protocol):
    """What exists before a run folder does: if anything of it fails, nothing has been written."""

    @property
    def config(self) -> Any: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def train(self) -> ImageSet: ...
    @property
    def validation(self) -> ImageSet | None: ...
    @property
    def means(self) -> list[float]: ...
    @property
    def deviations(self) -> list[float]: ...


class Wiring(Protocol):
    """The functions of a project's `build.py`; a module that has them is one."""

    def prepare(self, config: Any) -> Any:
        """`Prepared`: device, images and the resolved configuration."""

    def training_splits(self, data: Any) -> tuple[Any, Any]:
        """Training and validation images (None without any) that a data section describes."""

    def load_split(self, data: Any, split: str) -> Any:
        """One split of a data section."""

    def baselines(self, train: Any, images: Any) -> Mapping[str, Any]:
        """Figures of plain classifiers on `images`, by name; empty where there are none."""

    def split_hashes(self, prepared: Any) -> Mapping[str, Sequence[str]]:
        """A hash of every image of every split."""

    def make_model(self, prepared: Any, seed: int) -> nn.Module:
        """A model with weights drawn from `seed`, on the device."""

    def make_loader(self, prepared: Any, images: Any) -> Loader:
        """Normalised batches in order."""

    def make_training_loader(self, prepared: Any) -> Loader:
        """Shuffled, augmented batches of the training images."""

    def make_loaders(self, prepared: Any) -> tuple[Loader, Loader | None]:
        """The loaders of a training run."""

    def make_logger(self, prepared: Any, run: RunFolder | None) -> TrainingLogger:
        """The logger of a run."""

    def bare_trainer(
        self, prepared: Any, model: nn.Module, training: TrainingConfig, *, seed: int
    ) -> ClassificationTrainer:
        """A trainer that is silent and saves nothing."""

    def make_trainer(
        self, prepared: Any, model: Any, *, run: RunFolder | None, logger: TrainingLogger
    ) -> ClassificationTrainer:
        """The trainer of a run."""

    def read_classifier(self, checkpoint: Path, device: torch.device) -> ImageClassifier:
        """The classifier in a checkpoint."""

    def classifier_from(
        self, state: Mapping[str, Any], weights: Mapping[str, Any], device: torch.device
    ) -> ImageClassifier:
        """The classifier that the entries of `checkpoint_extras` and the weights describe."""
