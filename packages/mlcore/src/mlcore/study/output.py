"""What a job printed: its last lines, and the results that it names in them."""

import re
from pathlib import Path

NUM_LAST_LINES = 5
_NUM_LINES_SEARCHED = 40
_NUM_BYTES_READ = 65_536
_RESULT = re.compile(r"([a-z][a-z0-9_-]*) {2,}(\S.*)")
_BEGUN = re.compile(r"\S+ → (\S.*)")
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read_lines(log_path: Path, start: int) -> list[str]:
    """The last lines of a log from byte ``start`` on, without colours and empty lines; progress bars count once."""
    try:
        with open(log_path, "rb") as log:
            size = log.seek(0, 2)
            log.seek(max(start, size - _NUM_BYTES_READ))
            text = log.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = (line.rstrip("\r").rsplit("\r", 1)[-1].rstrip() for line in text.split("\n"))
    return [line for line in (_CONTROL_SEQUENCE.sub("", line) for line in lines) if line.strip()]


def named_paths(lines: list[str]) -> dict[str, str]:
    """Results named in the last lines as ``word  path``, by word, absolute. The last mention of a word counts.

    Only what exists is taken for a path: a table of figures may have the same form.
    """
    found = {}
    for line in lines[-_NUM_LINES_SEARCHED:]:
        match = _RESULT.fullmatch(line)
        if match is not None and _exists(match[2]):
            found[match[1]] = str(Path(match[2]).resolve())
    return found


def begun_run(log_path: Path) -> Path | None:
    """The run folder that the last attempt in a log named when it began, ``NAME → FOLDER``; None without one.

    An attempt that was to resume a run and ended before it named it counts as that run's.
    """
    if not log_path.is_file():
        return None
    found = None
    with open(log_path, encoding="utf-8", errors="replace") as log:
        for line in log:
            if line.startswith("=== attempt ") and " --resume " not in line:
                found = None
            match = _BEGUN.fullmatch(_CONTROL_SEQUENCE.sub("", line).strip())
            if match is not None and _exists(match[1]):
                found = Path(match[1])
    return found


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a name
        return False
