"""Says so when training stands still: somebody who waits should know that waiting does not help."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from mlcore import advice
from mlcore.logger.number_format import format_duration

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer

PATIENCE_S = 300.0
"""Seconds without an update, a batch or an evaluation before it is mentioned."""


class HangWatch:
    """While it is open, a warning for every standstill of a trainer; it changes and ends nothing.

    Args:
        trainer: its progress is looked at from a thread.
        patience_s: longest time without progress that is not mentioned. A compiler or a long evaluation may take it.
    """

    def __init__(self, trainer: BaseTrainer, patience_s: float = PATIENCE_S) -> None:
        self._trainer, self._patience_s = trainer, patience_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hang-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        seen, since, has_warned = self._place(), time.monotonic(), False
        cpu_s = time.process_time()
        while not self._closed.wait(self._patience_s / 20):
            if self._place() != seen:
                seen, since, has_warned = self._place(), time.monotonic(), False
                cpu_s = time.process_time()
                continue
            waited = time.monotonic() - since
            if waited > self._patience_s and not has_warned:
                has_warned = True
                self._warn(waited, time.process_time() - cpu_s)

    def _warn(self, waited_s: float, cpu_s: float) -> None:
        where = f"after step {self._trainer.progress.step}"
        busy = f"{format_duration(cpu_s)} of CPU time used meanwhile"
        self._trainer.logger.warn(
            f"no progress for {format_duration(waited_s)} {where} ({busy}): {advice.HANG}"
        )

    def _place(self) -> tuple[int, int, int, int]:
        progress = self._trainer.progress
        return progress.step, progress.epoch, progress.position, progress.evaluated_step
