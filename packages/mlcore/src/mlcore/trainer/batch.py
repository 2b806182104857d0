"""Batches of any make: moved to a device, counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def to_device(batch: Any, device: torch.device) -> Any:
    """The batch with all its tensors on ``device``; tuples, lists and mappings keep their kind."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=batch.is_pinned() if device.type == "cuda" else False)
    if isinstance(batch, Mapping):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(value, device) for value in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(to_device(value, device) for value in batch)
    return batch


def num_samples(batch: Any) -> int:
    """Length of the first tensor's first dimension.

    Raises:
        ValueError: there is no tensor with a dimension in the batch.
    """
    found = _first_length(batch)
    if found is None:
        raise ValueError(
            f"no tensor to count the samples of in a {type(batch).__name__}: override count_items(batch)"
        )
    return found


def _first_length(batch: Any) -> int | None:
    if isinstance(batch, Tensor):
        return len(batch) if batch.ndim else None
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, tuple | list) else ()
    for part in parts:
        length = _first_length(part)
        if length is not None:
            return length
    return None
