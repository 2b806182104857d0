"""Data sets, tokenizers and loaders of Proving Ground. It knows no model and no trainer.

Everything is imported on first use: `import mldata` costs nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ClosedSplitError": "mldata.test_guard",
    "DataError": "mldata.errors",
    "ImageBatches": "mldata.images",
    "ImageDataset": "mldata.images",
    "LabelledTextBatches": "mldata.labelled_text",
    "LabelledTexts": "mldata.labelled_text",
    "TokenFile": "mldata.token_files",
    "TokenWindows": "mldata.windows",
    "load_images": "mldata.images",
    "load_labelled_text": "mldata.labelled_text",
    "load_text": "mldata.text",
    "load_tokenizer": "mldata.tokenizers",
    "names": "mldata.registry",
    "prepare_tokens": "mldata.token_files",
    "spec": "mldata.registry",
    "test_split_closed": "mldata.test_guard",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mldata' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
