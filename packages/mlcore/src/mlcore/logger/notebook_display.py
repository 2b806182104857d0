"""Progress in a notebook: one cell output, redrawn in place, with a table of the newest validations."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from mlcore.logger.progress import printable, readout_line, shorten

_REDRAW_EVERY_S = 0.5
_NUM_VALIDATIONS = 8
_NUM_MESSAGES = 12


class NotebookDisplay:
    """Keeps its whole state and redraws it at most twice a second: the notebook file stays small."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._handle: Any = None
        self._drawn_at: float | None = None
        self._title, self._info, self._line, self._closing = "", "", "", ""
        self._step = 0
        self._total_steps: int | None = None
        self._validations: deque[tuple[int, dict[str, str]]] = deque(maxlen=_NUM_VALIDATIONS)
        self._messages: deque[str] = deque(maxlen=_NUM_MESSAGES)
        self._sample = ""

    def start(self, title: str, info: Mapping[str, str], total_steps: int | None) -> None:
        self._title, self._total_steps = title, total_steps
        self._info = " · ".join(f"{name} {text}" for name, text in info.items())
        self._draw(now=True)

    def step(self, step: int, readout: Mapping[str, str]) -> None:
        self._step, self._line = step, readout_line(readout)
        self._draw()

    def validation(self, step: int, readout: Mapping[str, str]) -> None:
        self._validations.append((step, dict(readout)))
        self._draw(now=True)

    def message(self, text: str, *, warning: bool = False) -> None:
        self._messages.append(f"warning: {text}" if warning else text)
        self._draw(now=True)

    def sample(self, step: int, prompt: str, text: str) -> None:
        self._sample = f"<i>{escape(printable(prompt))}</i>{escape(printable(shorten(text)))}"
        self._draw(now=True)

    def finish(self, text: str) -> None:
        self._closing = text
        self._draw(now=True)

    def _draw(self, *, now: bool = False) -> None:
        time_now = self._clock()
        if not now and self._drawn_at is not None and time_now - self._drawn_at < _REDRAW_EVERY_S:
            return
        self._drawn_at = time_now
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(self._html()), display_id=True)
        else:
            self._handle.update(HTML(self._html()))

    def _html(self) -> str:
        total = f"/{self._total_steps:,}" if self._total_steps else ""
        bar = f'<progress value="{self._step}" max="{self._total_steps}"></progress> ' if total else ""
        parts = [
            f"<b>{escape(printable(self._title))}</b><br>",
            f"<small>{escape(printable(self._info))}</small><br>" if self._info else "",
            f"{bar}{self._step:,}{total} <code>{escape(self._line)}</code>",
            self._validation_table(),
            f"<blockquote>{self._sample}</blockquote>" if self._sample else "",
            "".join(f"<div>{escape(printable(text))}</div>" for text in self._messages),
            f"<b>{escape(printable(self._closing))}</b>" if self._closing else "",
        ]
        return "".join(parts)

    def _validation_table(self) -> str:
        if not self._validations:
            return ""
        names = list(self._validations[-1][1])
        head = "".join(f"<th>{escape(name)}</th>" for name in ["step", *names])
        rows = "".join(
            f"<tr><td>{step:,}</td>"
            + "".join(f"<td>{escape(readout.get(name, ''))}</td>" for name in names)
            + "</tr>"
            for step, readout in self._validations
        )
        return f"<table><tr>{head}</tr>{rows}</table>"
