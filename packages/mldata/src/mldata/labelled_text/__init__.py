"""Texts with a class each: found by name, encoded, and cut into padded batches of like lengths."""

from importlib import import_module
from typing import Any

_HOMES = {
    "EncodedTexts": "encoding",
    "LabelledTextBatches": "batches",
    "LabelledTexts": "dataset",
    "encode_texts": "encoding",
    "load_labelled_text": "loading",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mldata.labelled_text' has no attribute {name!r}")
    return getattr(import_module(f"mldata.labelled_text.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
