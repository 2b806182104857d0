"""Scalars and samples for TensorBoard, imported only when a run asks for it.

A failure costs one warning, never the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class TensorBoardWriter:
    """Writes event files into `folder`.

    Args:
        purge_step: on resume the first step that will be written again; TensorBoard then hides what the run
            before had written from there on.
        on_trouble: called once with a sentence when TensorBoard is missing or cannot write; then nothing is
        written.
    """

    def __init__(
        self, folder: Path, on_trouble: Callable[[str], None], purge_step: int | None = None
    ) -> None:
        self._folder = folder
        self._on_trouble = on_trouble
        self._purge_step = purge_step
        self._writer: Any = None
        self._broken = False

    def scalars(self, numbers: Mapping[str, float], step: int) -> None:
        """Writes `numbers` ("train/loss": 1.0)."""

        def write(writer: Any) -> None:
            for name, value in numbers.items():
                writer.add_scalar(name, value, step)

        self._attempt(write)

    def text(self, tag: str, text: str, step: int) -> None:
        """Writes `text` as it stands: indented, so that its Markdown is not interpreted."""
        body = "\n".join("    " + line for line in text.splitlines())
        self._attempt(lambda writer: writer.add_text(tag, body, step))

    def prepare(self) -> None:
        """Imports TensorBoard now (seconds), so that no training step pays for it. Opens no file yet."""
        self._attempt(None)

    def flush(self) -> None:
        if self._writer is not None:
            self._attempt(lambda writer: writer.flush())

    def close(self) -> None:
        if self._writer is not None:
            self._attempt(lambda writer: writer.close())
        self._writer = None

    def _attempt(self, write: Callable[[Any], None] | None) -> None:
        if self._broken:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter

            if write is None:
                return
            if self._writer is None:
                self._writer = SummaryWriter(str(self._folder), purge_step=self._purge_step, flush_secs=30)
            write(self._writer)
        except Exception as error:  # whatever a tracker does, training goes on
            self._broken = True
            self._on_trouble(f"TensorBoard is off: {type(error).__name__}: {error}")
