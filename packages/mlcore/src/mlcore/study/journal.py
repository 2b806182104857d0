"""The journal of a study: what was started and how it ended, one JSON line an event, only ever appended to."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlcore.logger.metrics_file import MetricsFile, read_metrics
from mlcore.study.job import Job
from mlcore.study.result import JobResult


class Journal:
    """Reads and continues ``study.jsonl``.

    A line counts when its newline is there; the rest of a line that a kill cut off is removed.

    Args:
        on_trouble: told once when the disk refuses a line; lines wait in memory until it takes them.

    Raises:
        MetricsError: a whole line is not a JSON object; names file and line.
    """

    def __init__(self, path: Path, on_trouble: Callable[[OSError], None] | None = None) -> None:
        self._num_attempts: Counter[str] = Counter()
        self._cut_short: dict[str, str] = {}  # fingerprints by key
        self._done: dict[str, dict[str, Mapping[str, Any]]] = {}  # by key and fingerprint
        for record in read_metrics(path) if path.exists() else []:
            self._take(record)
        self._file = MetricsFile(path, on_trouble)
        self._file.continue_existing()

    def finished(self, job: Job, log_path: Path) -> JobResult | None:
        """The result of a job that came to its end with this very command; None where there is none."""
        record = self._done.get(job.key, {}).get(job.fingerprint)
        if record is None:
            return None
        return JobResult(
            key=job.key,
            status="done",
            rc=0,
            seconds=float(record.get("seconds", 0.0)),
            log_path=log_path,
            attempts=self._num_attempts[job.key],
            outputs=dict(record.get("outputs", {})),
            reused=True,
        )

    def knows_another_command(self, job: Job) -> bool:
        """Whether a job of this key came to its end, but with another command."""
        return bool(self._done.get(job.key, {}).keys() - {job.fingerprint})

    def was_cut_short(self, job: Job) -> bool:
        """Whether this very command was begun last and neither came to its end nor failed."""
        return self._cut_short.get(job.key) == job.fingerprint

    def started(self, job: Job) -> int:
        """Note that a job is about to start; returns the number of this attempt, from 1."""
        attempt = self._num_attempts[job.key] + 1
        self._append({"event": "started", "key": job.key, "attempt": attempt, "command": job.command}, job)
        return attempt

    def ended(self, job: Job, result: JobResult) -> None:
        """Note how a job ended. It is on the disk when this returns."""
        record = {
            "event": "finished",
            "key": job.key,
            "attempt": result.attempts,
            "status": result.status,
            "rc": result.rc,
            "seconds": round(result.seconds, 3),
            "outputs": result.outputs,
        }
        self._append(record, job)
        self._file.sync()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, record: dict[str, Any], job: Job) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = {**record, "fingerprint": job.fingerprint, "time": now}
        self._take(record)
        self._file.append(record)

    def _take(self, record: Mapping[str, Any]) -> None:
        key = str(record.get("key"))
        fingerprint, status = str(record.get("fingerprint")), record.get("status")
        if record.get("event") == "started":
            self._num_attempts[key] += 1
            self._cut_short[key] = fingerprint
        elif record.get("event") == "finished" and status in ("done", "failed"):
            self._cut_short.pop(key, None)
            if status == "done":
                self._done.setdefault(key, {})[fingerprint] = record
