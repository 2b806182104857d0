"""Classifiers of small images: fully connected, convolutional, of patches, and the fully connected one in NumPy alone.

Names are imported when they are first used (PEP 562): `mlmodels.image_classifiers.config` needs no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "CnnClassifier": "cnn",
    "CnnConfig": "config",
    "FcClassifier": "fc",
    "FcConfig": "config",
    "FcScratch": "fc_scratch",
    "FcScratchConfig": "config",
    "VitClassifier": "vit",
    "VitConfig": "vit_config",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
