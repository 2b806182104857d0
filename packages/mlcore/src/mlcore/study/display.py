"""Shows a running study: a live view in a terminal, a line an event in files and pipes."""

from typing import Any, Protocol, TextIO

from mlcore.logger.number_format import format_duration
from mlcore.logger.progress import choose_mode, printable
from mlcore.study.result import JobResult, StudyEvent, StudyProgress


class Display(Protocol):
    """Shows a study to a person."""

    def start(self, title: str) -> None: ...

    def event(self, event: StudyEvent) -> None: ...

    def tick(self, progress: StudyProgress) -> None: ...

    def message(self, text: str) -> None: ...

    def close(self) -> None: ...


def make_display(stream: TextIO) -> Display:
    """A live view for a terminal, plain lines for everything else."""
    return TerminalDisplay(stream) if choose_mode("auto", stream) == "terminal" else PlainDisplay(stream)


def event_line(event: StudyEvent, width: int) -> str:
    """``done         cosine-42   1 min 12 s``."""
    if event.result is None:
        note = f"attempt {event.attempt}" if event.attempt > 1 else ""
        parts = [f"{'started':<11}  {event.key:<{width}}", note, event.note]
    else:
        word = "done before" if event.kind == "reused" else event.result.word
        again = "will be started again" if event.kind == "retrying" else ""
        duration = format_duration(event.result.seconds)
        trouble = _trouble(event.result)
        parts = [f"{word:<11}  {event.key:<{width}}", f"{duration:>10}", trouble, again, event.note]
    return printable("  ".join(part for part in parts if part).rstrip())


def _trouble(result: JobResult) -> str:
    if result.status == "done":
        return ""
    last = f": {result.last_lines[-1].strip()}" if result.last_lines else ""
    return f"exit code {result.rc}{last}"


class PlainDisplay:
    """Whole lines, each flushed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0

    def start(self, title: str) -> None:
        self._write(title)

    def event(self, event: StudyEvent) -> None:
        self._width = max(self._width, len(event.key))
        line = event_line(event, self._width)
        self._write(f"{line}  ({event.progress})" if event.kind == "finished" else line)

    def tick(self, progress: StudyProgress) -> None:
        pass

    def message(self, text: str) -> None:
        self._write(text)

    def close(self) -> None:
        pass

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(printable(text).encode(encoding, errors="replace").decode(encoding) + "\n")
        self._stream.flush()


class TerminalDisplay:
    """One bar for the study and a line for each running job; what ended scrolls above them."""

    def __init__(self, stream: TextIO, *, console: Any = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = console or Console(file=stream, highlight=False, soft_wrap=False)
        self._live = Live(
            console=self._console,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._width = 0

    def start(self, title: str) -> None:
        from rich.text import Text

        self._console.print(Text(printable(title), style="bold"))
        self._live.start()

    def event(self, event: StudyEvent) -> None:
        from rich.text import Text

        self._width = max(self._width, len(event.key))
        if event.result is not None or event.note:
            is_bad = event.result is not None and event.result.status != "done"
            style = "red" if is_bad else "dim" if event.kind == "reused" else ""
            self._console.print(Text(event_line(event, self._width), style=style))

    def tick(self, progress: StudyProgress) -> None:
        self._live.update(self._view(progress))

    def message(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text(printable(text), style="yellow"))

    def close(self) -> None:
        self._live.stop()

    def _view(self, progress: StudyProgress) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        ended = progress.num_done + progress.num_failed
        head = Table.grid(padding=(0, 2))
        head.add_row(ProgressBar(total=progress.num_jobs, completed=ended, width=24), Text(str(progress)))
        rows = Table.grid(padding=(0, 2))
        for key, seconds in progress.running:
            rows.add_row(
                Text("  running", style="cyan"), Text(key), Text(format_duration(seconds), style="dim")
            )
        return Group(head, rows)
