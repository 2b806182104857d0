"""One job of a study, and what a list of jobs must be like."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlcore.config.run_name import check_run_name
from mlcore.errors import UserError


class StudyError(UserError):
    """A list of jobs, or a number given with it, that cannot be run."""

    exit_code = 2


@dataclass(frozen=True)
class Job:
    """A command, run as a process of its own in the caller's current folder.

    Args:
        key: what the study calls it; names its log file, so it has no path separators.
        command: the program and its words. Exit code 0 means that its work is complete, anything else that it is not.
        env: variables that it gets beside the caller's.
        weight: how much work it is, in any unit that all jobs of the study share; for the estimate of the time left.
        resumes: it trains a run, names it in its first line as ``NAME → FOLDER``, and goes on with it when
            ``--resume FOLDER`` is added. An attempt that was cut short is then continued from its checkpoint.
    """

    key: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    weight: float = 1.0
    resumes: bool = False

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the command and its variables: a finished job with another fingerprint is another job."""
        content = json.dumps([list(self.command), sorted(self.env.items())])
        return hashlib.sha256(content.encode()).hexdigest()


def check_jobs(jobs: Sequence[Job]) -> None:
    """Refuse a list of jobs that could not be run to its end.

    Raises:
        StudyError: no job, a key twice or one that cannot name a file, an empty command, a weight that is no weight.
    """
    if not jobs:
        raise StudyError("a study needs at least one job, got an empty list")
    spellings: dict[str, str] = {}
    for job in jobs:
        try:
            check_run_name(job.key)
        except ValueError as error:
            raise StudyError(f"job key {error}") from None
        name = job.key.casefold()
        if name in spellings:
            _refuse_twin(spellings[name], job.key)
        spellings[name] = job.key
        _check_command(job)


def _refuse_twin(first: str, second: str) -> None:
    why = "" if first == second else f" ({first!r} and {second!r} are one file name on Windows and macOS)"
    raise StudyError(f"two jobs have the key {second!r}{why}")


def _check_command(job: Job) -> None:
    words: object = job.command
    if (
        not isinstance(words, tuple | list)
        or not words
        or not all(isinstance(word, str) for word in words)
        or not words[0]
    ):
        raise StudyError(f"job {job.key!r}: its command must be a program and its words, got {words!r}")
    if any("\0" in word for word in words):
        raise StudyError(f"job {job.key!r}: a word of its command holds a NUL character")
    if not all(isinstance(value, str) for pair in job.env.items() for value in pair):
        raise StudyError(
            f"job {job.key!r}: its variables must be text by name, got {sorted(map(str, job.env))}"
        )
    if not (math.isfinite(job.weight) and job.weight > 0):
        raise StudyError(f"job {job.key!r}: its weight must be above 0, got {job.weight}")
