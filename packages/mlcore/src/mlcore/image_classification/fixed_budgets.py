"""What training for a fixed number of epochs would have given, read from one longer run.

A schedule that knows no length makes the run of N epochs the beginning of every longer one: same seed, same batches,
same weights. One long run so holds a sweep over all budgets. S seeds, N budgets in epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.checkpoint.lookup import step_file_name
from mlcore.logger.metrics_file import read_metrics
from mlcore.runs import RunFolder


def validation_curve(run: RunFolder) -> list[Mapping[str, float]]:
    """The validation figures after each epoch, first to last."""
    return [record["val"] for record in epoch_records(run)]


def checkpoint_of_epoch(run: RunFolder, epoch: int) -> Path:
    """The checkpoint at the end of an epoch, counted from 1, of a run that keeps all of them."""
    return run.checkpoints / step_file_name(epoch_records(run)[epoch - 1]["step"])


def epoch_records(run: RunFolder) -> list[Mapping[str, Any]]:
    """What the run has logged at the end of each epoch."""
    return [record for record in read_metrics(run.metrics_stream_path) if record["kind"] == "epoch"]


def kept_epochs(curve: Sequence[Mapping[str, float]], monitor: str, mode: str) -> list[int]:
    """By budget, the epoch whose weights a run of so many epochs keeps: the one with the best monitored value.

    Args:
        curve: validation figures by epoch, the first of them a number.
        monitor: "loss" or "accuracy".
        mode: "min" or "max".

    Returns:
        Epochs, counted from 1; of equals the first.
    """
    sign = 1.0 if mode == "min" else -1.0
    kept: list[int] = []
    best, best_epoch = float("inf"), 1
    for epoch, figures in enumerate(curve, start=1):
        if sign * figures[monitor] < best:
            best, best_epoch = sign * figures[monitor], epoch
        kept.append(best_epoch)
    return kept


def best_budget(accuracy_SN: NDArray[np.float64]) -> int:
    """The shortest budget in epochs whose mean accuracy is within one standard error of the highest mean.

    The rule of one standard error (Breiman et al., 1984): the highest mean of many is in part luck, and where it
    stands among budgets that are equally good is nothing but luck.

    Raises:
        ValueError: fewer than two seeds, which have no spread.
    """
    num_seeds = len(accuracy_SN)
    if num_seeds < 2:
        raise ValueError(f"the noise of a seed needs two seeds or more, got {num_seeds}")
    mean_N = accuracy_SN.mean(axis=0)
    highest = int(mean_N.argmax())
    error = accuracy_SN[:, highest].std(ddof=1) / num_seeds**0.5
    return int(np.flatnonzero(mean_N >= mean_N[highest] - error)[0]) + 1
