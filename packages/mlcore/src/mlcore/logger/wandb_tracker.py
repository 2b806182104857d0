"""Weights & Biases, only when asked for, in a daemon thread behind a bounded queue.

Its import, its `init` and every call to it run in that thread. If it is missing, hangs or raises, training
does not wait: records that find the queue full are dropped and counted, and the file `metrics.jsonl` stays
complete in any case.
"""

from __future__ import annotations

import hashlib
import importlib
import netrc
import os
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlcore.logger.redaction import redact

_QUEUE_LENGTH = 1_000
_FINISH_WITHIN_S = 5.0


class WandbTracker:
    """Sends records to W&B as far as W&B takes them.

    Args:
        folder: the run folder; W&B's own files go to `logs/` in it and its run id comes from the folder's
            name, so that a resumed run continues the same W&B run.
        on_trouble: called from the thread that logs (never from W&B's) with one sentence, at most twice.
    """

    def __init__(
        self,
        folder: Path,
        on_trouble: Callable[[str], None],
        *,
        project: str | None = None,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        queue_length: int = _QUEUE_LENGTH,
        finish_within_s: float | None = None,
    ) -> None:
        self.num_dropped = 0
        self._on_trouble = on_trouble
        self._finish_within_s = _FINISH_WITHIN_S if finish_within_s is None else finish_within_s
        self._queue: queue.Queue[tuple[dict[str, Any], int] | None] = queue.Queue(maxsize=queue_length)
        self._failure: str | None = None
        self._reported = False
        self._thread = threading.Thread(target=self._work, name="wandb-tracker", daemon=True)
        self._settings = {
            "project": project or "proving-ground",
            "name": name or folder.name,
            "id": hashlib.sha256(str(folder.resolve().name).encode()).hexdigest()[:16],
            "resume": "allow",
            "dir": str(folder / "logs"),
            "config": dict(config or {}),
            "mode": wandb_mode(),
            "settings": {"console": "off", "disable_git": True, "save_code": False},
        }

    def start(self) -> None:
        """Starts the thread and returns at once."""
        self._thread.start()

    def log(self, metrics: Mapping[str, Any], step: int) -> None:
        """Queues one record; never waits."""
        self._report_failure()
        if self._failure is not None:
            self.num_dropped += 1
            return
        try:
            self._queue.put_nowait((dict(metrics), step))
        except queue.Full:
            self.num_dropped += 1
            if self.num_dropped == 1:
                self._on_trouble(
                    "W&B does not keep up: records are dropped there, metrics.jsonl has them all"
                )

    def finish(self) -> None:
        """Gives W&B a bounded time to send the rest, then leaves it."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            pass
        else:
            self._thread.join(self._finish_within_s)
        self._report_failure()
        left = self.num_dropped + self._num_waiting()
        if left:
            self._on_trouble(f"W&B did not get {left:,} records; metrics.jsonl has them all")

    def _num_waiting(self) -> int:
        with self._queue.mutex:
            return sum(1 for entry in self._queue.queue if entry is not None)

    def _report_failure(self) -> None:
        if self._failure is not None and not self._reported:
            self._reported = True
            self._on_trouble(f"W&B is off: {self._failure}")

    def _work(self) -> None:
        try:
            self._send_all()
        except BaseException as error:  # also SystemExit: some trackers call sys.exit
            self._failure = redact(f"{type(error).__name__}: {error}".strip().splitlines()[0])

    def _send_all(self) -> None:
        wandb = importlib.import_module("wandb")
        run = wandb.init(**self._settings)
        while (entry := self._queue.get()) is not None:
            metrics, step = entry
            run.log(metrics, step=step)
        run.finish()


def wandb_mode() -> str | None:
    """None (W&B decides) where it is set up; else "offline": without a key W&B would ask on the terminal."""
    if os.environ.get("WANDB_MODE") or os.environ.get("WANDB_API_KEY"):
        return None
    try:
        hosts = netrc.netrc().hosts
    except (OSError, netrc.NetrcParseError):
        return "offline"
    return None if any("wandb" in host for host in hosts) else "offline"
