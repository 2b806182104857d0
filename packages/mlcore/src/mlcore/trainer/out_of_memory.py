"""No memory left, in one line with what to do about it, whoever noticed it: CUDA, the CPU's allocator, Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mlcore import advice
from mlcore.errors import UserError
from mlcore.trainer.config import TrainingConfig

# torch's allocator on a CPU raises a plain RuntimeError.
_CPU_ALLOCATOR = ("can't allocate memory", "not enough memory")


class OutOfMemoryError(UserError):
    """The batch does not fit into the memory of the device."""


@contextmanager
def out_of_memory_explained(config: TrainingConfig, device: torch.device) -> Iterator[None]:
    """Turn what says that there is no memory left into an `OutOfMemoryError`; every other error passes."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        windows = f" × {config.accumulation_steps} batches" if config.accumulation_steps > 1 else ""
        raise OutOfMemoryError(
            f"out of memory on {device} with training.batch_size {config.batch_size}{windows}; the last checkpoint is "
            f"intact. {advice.OUT_OF_MEMORY[0].upper()}{advice.OUT_OF_MEMORY[1:]}"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this error means that there is no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _CPU_ALLOCATOR)
