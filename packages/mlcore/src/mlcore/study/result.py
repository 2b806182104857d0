"""What came out of the jobs of a study, and what is told while it runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlcore.logger.number_format import format_duration
from mlcore.logger.progress import printable

Status = Literal["done", "failed", "timed_out", "interrupted"]
EventKind = Literal["reused", "started", "retrying", "finished"]

_WORDS: dict[str, str] = {
    "done": "done",
    "failed": "FAILED",
    "timed_out": "TIMED OUT",
    "interrupted": "interrupted",
}


@dataclass(frozen=True)
class JobResult:
    """How a job ended.

    Attributes:
        status: ``done`` is exit code 0.
        rc: exit code; 128 + n where signal n ended it, as a shell shows it.
        seconds: wall time of its last attempt.
        attempts: attempts so far, those of earlier calls included.
        outputs: paths that it named in its last lines, by the word before them.
        last_lines: the end of its output.
        reused: finished by an earlier call and not run by this one.
    """

    key: str
    status: Status
    rc: int
    seconds: float
    log_path: Path
    attempts: int
    outputs: Mapping[str, str] = field(default_factory=dict)
    last_lines: tuple[str, ...] = ()
    reused: bool = False

    @property
    def run_path(self) -> Path | None:
        """The run folder that the job named in its line ``run     PATH``."""
        return Path(self.outputs["run"]) if "run" in self.outputs else None

    @property
    def word(self) -> str:
        """The status as it is shown."""
        return _WORDS[self.status]


@dataclass(frozen=True)
class StudyProgress:
    """Where a study stands.

    Attributes:
        running: key and seconds so far of the jobs under way.
        elapsed_s: seconds since this call began.
        remaining_s: estimate from the weights and the jobs that are done; None while there is none to go by.
    """

    num_jobs: int
    num_done: int
    num_failed: int
    running: tuple[tuple[str, float], ...]
    elapsed_s: float
    remaining_s: float | None

    def __str__(self) -> str:
        parts = [f"{self.num_done}/{self.num_jobs} done"]
        parts += [f"{len(self.running)} running"] if self.running else []
        parts += [f"{self.num_failed} failed"] if self.num_failed else []
        parts += [f"{format_duration(self.elapsed_s)} so far"]
        parts += [f"about {format_duration(self.remaining_s)} left"] if self.remaining_s else []
        return ", ".join(parts)


@dataclass(frozen=True)
class StudyEvent:
    """Something that happened to a job.

    Attributes:
        kind: ``reused``: an earlier call finished it; ``retrying``: it failed and will be started again.
        result: how it ended; None for ``started``.
        note: why a job that was finished before runs again, or what is worth knowing about its result.
    """

    kind: EventKind
    key: str
    attempt: int
    result: JobResult | None
    progress: StudyProgress
    note: str = ""


@dataclass(frozen=True)
class StudyResult:
    """The results of all jobs, in the order of the jobs.

    Attributes:
        seconds: wall time of this call.
    """

    results: tuple[JobResult, ...]
    seconds: float

    def __iter__(self) -> Iterator[JobResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, key: str) -> JobResult:
        for result in self.results:
            if result.key == key:
                return result
        raise KeyError(key)

    @property
    def failed(self) -> tuple[JobResult, ...]:
        """The jobs that did not come to their end."""
        return tuple(result for result in self.results if result.status != "done")

    @property
    def exit_code(self) -> int:
        """0 when every job is done, 1 otherwise."""
        return 1 if self.failed else 0

    def table(self) -> str:
        """One line a job; those that failed follow with their log and the end of their output."""
        width = max(len(result.key) for result in self.results)
        lines = [f"{_row(result, width)}".rstrip() for result in self.results]
        num_done = len(self.results) - len(self.failed)
        lines.append(f"{num_done} of {len(self.results)} jobs done in {format_duration(self.seconds)}")
        for result in self.failed:
            lines += ["", f"{result.key}: {result.word}, exit code {result.rc}; {result.log_path}"]
            lines += [f"  | {printable(line)}" for line in result.last_lines] or ["  | (no output)"]
        return "\n".join(lines)


def _row(result: JobResult, width: int) -> str:
    attempts = "" if result.attempts == 1 else f"{result.attempts} attempts"
    note = "finished before" if result.reused else attempts
    return f"{result.key:<{width}}  {result.word:<11}  {format_duration(result.seconds):>12}  {note}"
