"""Random changes of image batches in memory: flips, shifts, affine maps, elastic bending, erasing, colours, mixing."""

from importlib import import_module
from typing import Any

_HOMES = {
    "Augmentation": "pipeline",
    "AugmentationConfig": "config",
    "Mixing": "mixing",
    "augmentation_sheet": "sheet",
    "build_augmentation": "pipeline",
    "build_mixing": "pipeline",
    "unit_floats": "pipeline",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mldata.images.augmentation' has no attribute {name!r}")
    return getattr(import_module(f"mldata.images.augmentation.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
