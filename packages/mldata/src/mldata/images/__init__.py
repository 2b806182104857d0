"""Image data sets in memory: read, split, hashed, and handed out in batches. Imported on first use."""

from importlib import import_module
from typing import Any

_HOMES = {
    "ImageBatches": "batches",
    "ImageDataset": "dataset",
    "duplicates": "hashes",
    "hashes_of": "hashes",
    "image_hashes": "hashes",
    "k_fold": "splits",
    "load_images": "loading",
    "read_idx": "idx",
    "write_idx": "idx",
    "write_idx_folder": "idx_folder",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mldata.images' has no attribute {name!r}")
    return getattr(import_module(f"mldata.images.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
