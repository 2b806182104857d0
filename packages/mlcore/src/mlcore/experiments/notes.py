"""Notes about a run, kept inside its folder: notes.jsonl, one note a line, only ever added to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlcore.errors import ConfigError, UserError

NOTES = "notes.jsonl"
_LOCK_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Note:
    """A note and when it was made (UTC, ISO 8601)."""

    time: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.time}  {self.text}"


def add_note(run: Path, text: str, *, time: datetime | None = None) -> Note:
    """Append a note to the run folder `run`: wholly or not at all, whoever else does so at the same time.

    Raises:
        ConfigError: an empty note.
        UserError: it cannot be written.
    """
    from filelock import FileLock, Timeout

    from mlcore.logger.metrics_file import MetricsFile

    if not text.strip():
        raise ConfigError("an empty note says nothing")
    when = (time or datetime.now(UTC)).astimezone(UTC)
    note = Note(when.isoformat(timespec="seconds"), text)
    troubles: list[OSError] = []
    file = MetricsFile(run / NOTES, troubles.append)
    try:
        with FileLock(run / f".{NOTES}.lock", timeout=_LOCK_TIMEOUT_S):
            file.continue_existing()  # removes the rest of a note that a kill cut off
            file.append(note.as_dict())
            file.sync()
            file.close()
    except (OSError, Timeout) as error:
        troubles.append(error)
    if troubles:
        raise UserError(f"{run / NOTES}: the note cannot be written: {troubles[0].strerror or troubles[0]}")
    return note


def read_notes(run: Path) -> list[Note]:
    """The notes of a run, oldest first. Reading stops at a damaged line."""
    from mlcore.logger.metrics_file import MetricsError, iterate_metrics

    notes = []
    try:
        for record in iterate_metrics(run / NOTES):
            notes.append(Note(str(record.get("time", "")), str(record.get("text", ""))))
    except (OSError, MetricsError):
        pass
    return notes
