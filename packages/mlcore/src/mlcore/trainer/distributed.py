"""Data parallel training under torchrun: each process trains on its own batches, all of them make the same
updates.

    torchrun --nproc-per-node 2 train.py --config ...

Gradients are summed here, once an update, not by hooks in the backward pass as ``DistributedDataParallel``
does it. So a model that differentiates itself is served as well, processes may have different numbers of
batches in a window, and the mean is over the items of all processes and not over processes. The price is that
communication does not overlap with computation.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mlcore.errors import UserError

# Gradients travel in blocks of this many elements: few enough calls, little extra memory.
_BLOCK_ELEMENTS = 16 * 2**20


class LostProcessError(UserError):
    """Another process of the run has ended or does not answer."""


class Processes:
    """The processes of this run; one, unless torchrun started more.

    Args:
        device: where this process computes.

    Attributes:
        rank: number of this process.
        world_size: how many there are.
    """

    def __init__(self, device: torch.device) -> None:
        active = dist.is_available() and dist.is_initialized()
        self.device = device
        self.rank = dist.get_rank() if active else 0
        self.world_size = dist.get_world_size() if active else 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def maxima(self, numbers: Sequence[int]) -> list[int]:
        """The greatest of each, over all processes."""
        if self.world_size == 1:
            return list(numbers)
        tensor = torch.tensor(numbers, dtype=torch.int64, device=self._wire_device())
        with self._peers():
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return [int(value) for value in tensor.tolist()]

    def gather(self, value: Any) -> list[Any]:
        """One value from each process, in the order of their ranks."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        with self._peers():
            dist.all_gather_object(values, value)
        return values

    def sum_vector(self, vector: Tensor) -> Tensor:
        """The sum of a tensor over the processes, in its type; `vector` itself is overwritten."""
        if self.world_size > 1:
            with self._peers():
                dist.all_reduce(vector)
        return vector

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every ``.grad`` with its sum over the processes, whoever computed it and how.

        A parameter that has a gradient in some processes counts as zero in the others; without any it stays
        without.
        """
        if self.world_size == 1:
            return
        has_gradient = self.maxima([int(parameter.grad is not None) for parameter in parameters])
        gradients: list[Tensor] = []
        for parameter, somewhere in zip(parameters, has_gradient, strict=True):
            if somewhere:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                gradients.append(parameter.grad)
        with self._peers():
            for block in _blocks(gradients):
                flat = torch.cat([gradient.reshape(-1) for gradient in block])
                dist.all_reduce(flat)
                for gradient, summed in zip(block, flat.split([one.numel() for one in block]), strict=True):
                    gradient.copy_(summed.view_as(gradient))

    def share_from_main(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite ``tensors`` with those of the first process."""
        if self.world_size == 1:
            return
        with self._peers(), torch.no_grad():
            for tensor in tensors:
                contiguous = tensor.contiguous()
                dist.broadcast(contiguous, src=0)
                tensor.copy_(contiguous)

    def _wire_device(self) -> torch.device:
        return self.device if dist.get_backend() == "nccl" else torch.device("cpu")

    @contextmanager
    def _peers(self) -> Iterator[None]:
        """A failed exchange means that somebody is gone: say so in one line instead of gloo's or NCCL's."""
        try:
            yield
        except RuntimeError as error:
            reason = str(error).splitlines()[0][:200]
            raise LostProcessError(
                f"process {self.rank} of {self.world_size} stops: another process of this run has ended or "
                f"does not answer; its own message says why. The last checkpoint is intact ({reason})"
            ) from error


def rank_and_world_size() -> tuple[int, int]:
    """This process's number among those that torchrun started, and their count; 0 and 1 without it."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def connect(device: torch.device | str, *, timeout_s: float = 600.0) -> Processes:
    """Join the other processes if torchrun started this one; nothing to do otherwise.

    Args:
        device: "cuda" without a number becomes the GPU of this process.
        timeout_s: how long an exchange may take before the others count as lost.
    """
    device = torch.device(device)
    if str(device) == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    started_by_torchrun = int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ
    if started_by_torchrun and not dist.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
    return Processes(device)


def disconnect() -> None:
    """Leave the other processes; for the end of a program."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _blocks(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Neighbours of one type, up to a block's size."""
    start, size = 0, 0
    for index, tensor in enumerate(tensors):
        size += tensor.numel()
        if index > start and (tensor.dtype != tensors[start].dtype or size > _BLOCK_ELEMENTS):
            yield list(tensors[start:index])
            start, size = index, tensor.numel()
    if tensors:
        yield list(tensors[start:])
