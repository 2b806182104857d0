"""Checkpoints that survive kills, full disks and bit flips. Importing this package does not import torch."""

from mlcore.checkpoint.atomic_file import CheckpointWriteError
from mlcore.checkpoint.file_format import load_checkpoint_file
from mlcore.checkpoint.lookup import resolve_checkpoint
from mlcore.checkpoint.manager import CheckpointManager, LoadedCheckpoint

__all__ = [
    "CheckpointManager",
    "CheckpointWriteError",
    "LoadedCheckpoint",
    "load_checkpoint_file",
    "resolve_checkpoint",
]
