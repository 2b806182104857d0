"""How hard every training image is: what an earlier run thinks of it, or the numbers of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.nn.functional import cross_entropy

from mlcore.errors import CheckpointError, ConfigError
from mlcore.image_classification.wiring import ImageSet
from mlcore.runs import find_run

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from mlcore.image_classification.classifier import ImageClassifier

ReadClassifier = Callable[[Path, "torch.device"], "ImageClassifier"]


def with_curriculum(
    config: Any,
    images: ImageSet,
    *,
    project: Path,
    read: ReadClassifier,
    device: torch.device,
    make: Callable[..., Any],
) -> tuple[Any, Any]:
    """What `data.curriculum` describes, and the configuration that names the very run whose losses were taken.

    Args:
        config: the root section.
        images: to train on.
        project: its folder: names of runs are looked up in its folder of runs.
        read: a checkpoint's classifier.
        make: called with the curriculum's section, the scores (N,), the labels (N,) and the seed.

    Returns:
        The configuration, and what `make` made; None without a curriculum.

    Raises:
        ConfigError: the file of scores is not there or holds something else.
        CheckpointError: the run knows other classes.
        RunNotFoundError: there is no such run.
    """
    described = config.data.curriculum
    if described is None:
        return config, None
    scores, source = _scores(
        described.scores, images, runs_dir=project / config.logging.checkpoint_dir, read=read, device=device
    )
    described = described.model_copy(update={"scores": source})
    data = config.data.model_copy(update={"curriculum": described})
    made = make(described, scores, images.labels.cpu().numpy(), config.seed)
    return config.model_copy(update={"data": data}), made


def _scores(
    named: str | None, images: ImageSet, *, runs_dir: Path, read: ReadClassifier, device: torch.device
) -> tuple[NDArray[np.float64], str | None]:
    """(N,) the larger, the harder; and where they are from, so that nothing newer of that name is taken later."""
    if named is None:
        return np.zeros(len(images)), None
    if named.endswith(".txt"):
        return _numbers_of(Path(named)), str(Path(named).absolute())
    run = find_run(named, runs_dir)
    classifier = read(run.checkpoints / "best.pt", device)
    if classifier.classes != images.classes:
        raise CheckpointError(
            f"data.curriculum.scores: {run.path.name} tells {len(classifier.classes)} classes apart, "
            f"{', '.join(classifier.classes[:3])} …; the images have {', '.join(images.classes[:3])} …"
        )
    losses = cross_entropy(classifier.predict(images).double(), images.labels.cpu(), reduction="none")
    return losses.numpy(), str(run.path)


def _numbers_of(path: Path) -> NDArray[np.float64]:
    try:
        return np.array([float(line) for line in path.read_text(encoding="utf-8").split()])
    except (OSError, ValueError) as error:
        raise ConfigError(f"data.curriculum.scores: {path}: {error}; one number a line is wanted") from None
