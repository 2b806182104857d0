"""Buffers that are made once and used in every step."""

import math

import torch
from torch import Tensor


class Workspace:
    """Tensors by name. A name keeps its memory from call to call and gets more when it needs more: after the first
    step of the largest batch nothing is allocated.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._memory: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, *shape: int, dtype: torch.dtype) -> Tensor:
        """A contiguous tensor of `shape` whose content is whatever was there. Two names never share memory."""
        size, key = math.prod(shape), (name, dtype)
        memory = self._memory.get(key)
        if memory is None or memory.numel() < size:
            memory = torch.empty(size, dtype=dtype, device=self.device)
            self._memory[key] = memory
        return memory[:size].view(shape)

    def memories(self) -> list[Tensor]:
        """All memory held, for whoever must keep it alive when a larger one takes its place."""
        return list(self._memory.values())

    @property
    def num_bytes(self) -> int:
        """Memory held."""
        return sum(memory.numel() * memory.element_size() for memory in self._memory.values())
