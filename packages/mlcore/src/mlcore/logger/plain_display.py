"""Progress as plain lines for files and pipes.

One line every N seconds; always the first, the last and every validation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TextIO

from mlcore.logger.progress import printable, readout_line, shorten


class PlainDisplay:
    """Writes whole lines and flushes each: a log file never ends in half a bar."""

    def __init__(
        self, stream: TextIO, *, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._every_s = every_s
        self._clock = clock
        self._total_steps: int | None = None
        self._last_line_at: float | None = None
        self._waiting: str | None = None  # the newest step line that was not due yet

    def start(self, title: str, info: Mapping[str, str], total_steps: int | None) -> None:
        self._total_steps = total_steps
        self._write(title)
        width = max((len(name) for name in info), default=0)
        for name, text in info.items():
            self._write(f"  {name:<{width}}  {text}")

    def step(self, step: int, readout: Mapping[str, str]) -> None:
        line = f"{self._position(step)}  {readout_line(readout)}"
        now = self._clock()
        if self._last_line_at is not None and now - self._last_line_at < self._every_s:
            self._waiting = line
            return
        self._last_line_at, self._waiting = now, None
        self._write(line)

    def validation(self, step: int, readout: Mapping[str, str]) -> None:
        self._write(f"{self._position(step)}  validation  {readout_line(readout)}")

    def message(self, text: str, *, warning: bool = False) -> None:
        self._write(f"warning: {text}" if warning else text)

    def sample(self, step: int, prompt: str, text: str) -> None:
        shown = shorten(f"{prompt} ▸ {text.strip()}" if prompt else text.strip())
        self._write(f"{self._position(step)}  sample  {' '.join(shown.split())}")

    def finish(self, text: str) -> None:
        if self._waiting is not None:
            self._write(self._waiting)
            self._waiting = None
        self._write(text)

    def _position(self, step: int) -> str:
        if self._total_steps is None:
            return f"step {step:,}"
        total = f"{self._total_steps:,}"
        return f"step {step:>{len(total)},}/{total}"

    def _write(self, line: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        text = printable(line).encode(encoding, errors="replace").decode(encoding)
        self._stream.write(text + "\n")
        self._stream.flush()
