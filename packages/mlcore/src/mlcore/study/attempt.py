"""One attempt at a job: how it is started, and what came of it."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from mlcore.logger.redaction import redact
from mlcore.study.child import Child
from mlcore.study.job import Job
from mlcore.study.output import NUM_LAST_LINES, named_paths, read_lines
from mlcore.study.result import JobResult, Status


def start_attempt(
    job: Job, attempt: int, log_path: Path, environment: Mapping[str, str], resume: Path | None = None
) -> Child:
    """Start the job's command, to go on with the run `resume` where there is one; its log begins with that command."""
    words = job.command if resume is None else (*job.command, "--resume", str(resume))
    command = " ".join(redact(shlex.join(words)).split())
    with open(log_path, "a", encoding="utf-8", errors="replace") as log:
        log.write(f"=== attempt {attempt}: {command}\n")
    return Child(job, attempt, log_path, {**environment, **job.env}, words)


def result_of(child: Child, code: int) -> JobResult:
    """What an attempt that ended with `code` has come to, with the end of its output."""
    lines = read_lines(child.log_path, child.log_start)
    return JobResult(
        key=child.job.key,
        status=_status(child, code),
        rc=code,
        seconds=child.seconds,
        log_path=child.log_path,
        attempts=child.attempt,
        outputs=named_paths(lines),
        last_lines=tuple(redact(line) for line in lines[-NUM_LAST_LINES:]),
    )


def _status(child: Child, code: int) -> Status:
    if code == 0:
        return "done"
    if child.timed_out:
        return "timed_out"
    return "interrupted" if child.stopping else "failed"
