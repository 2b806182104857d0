"""Encoders, in which every position sees all others, built of the parts of `transformer_eras`: BERT, and ViT's stack.

Names are imported when they are first used (PEP 562): `mlmodels.transformer_encoders.config` needs no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Bert": "masked_language_model",
    "BertClassifier": "classifier",
    "BertClassifierConfig": "config",
    "BertConfig": "config",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
