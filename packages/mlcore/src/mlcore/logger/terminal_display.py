"""Progress in a terminal: one live bar at the bottom, validations, samples and messages scroll above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from mlcore.logger.progress import printable, readout_line, shorten


class _Readout(ProgressColumn):
    """Loss, learning rate, speed and time left, as plain text, without rich's markup."""

    def render(self, task: Task) -> Text:
        return Text(str(task.fields.get("readout", "")), no_wrap=True, overflow="ellipsis")


class TerminalDisplay:
    """Draws with rich, four times a second at most, whatever the number of steps."""

    def __init__(self, stream: TextIO, *, console: Console | None = None) -> None:
        self._console = console or Console(file=stream, highlight=False)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def start(self, title: str, info: Mapping[str, str], total_steps: int | None) -> None:
        table = Table.grid(padding=(0, 2))
        for name, text in info.items():
            table.add_row(Text(name, style="dim"), Text(printable(text)))
        self._console.print(Text(printable(title), style="bold"))
        self._console.print(table)
        count = "[progress.percentage]{task.completed:,.0f}" + ("/{task.total:,.0f}" if total_steps else "")
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn(count),
            _Readout(),
            console=self._console,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("training", total=total_steps, readout="")
        self._progress.start()

    def step(self, step: int, readout: Mapping[str, str]) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=step, readout=readout_line(readout))

    def validation(self, step: int, readout: Mapping[str, str]) -> None:
        line = Text.assemble((f"step {step:,} ", "dim"), ("validation  ", "cyan"), readout_line(readout))
        self._console.print(line)

    def message(self, text: str, *, warning: bool = False) -> None:
        shown = Text(printable(text), style="yellow" if warning else "")
        self._console.print(Text("warning: ", style="bold yellow") + shown if warning else shown)

    def sample(self, step: int, prompt: str, text: str) -> None:
        body = Text.assemble((printable(prompt), "dim"), printable(shorten(text)))
        title = Text(f"sample, step {step:,}", style="dim")
        self._console.print(Panel(body, title=title, title_align="left", border_style="dim"))

    def finish(self, text: str) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None
        self._console.print(Text(printable(text), style="bold"))
