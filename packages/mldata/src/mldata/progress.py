"""Progress of long preparations: a bar in a terminal, nothing in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_line(what: str, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Yields `advance(num_bytes)`. Draws on stderr, only if that is a terminal."""
    import sys

    if not shown or not sys.stderr.isatty():
        yield lambda _num_bytes: None
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda num_bytes: progress.advance(task, num_bytes)
