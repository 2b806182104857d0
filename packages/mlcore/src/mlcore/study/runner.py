"""Runs the jobs of a study, some at a time."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from mlcore.cores import num_usable_cores, threads_of_worker
from mlcore.run_lock import lock_run
from mlcore.signals import StopSignals
from mlcore.study.display import make_display
from mlcore.study.job import Job, check_jobs
from mlcore.study.journal import Journal
from mlcore.study.result import StudyEvent, StudyResult
from mlcore.study.settings import Settings
from mlcore.study.study import Study


def run_study(
    jobs: Sequence[Job],
    folder: Path,
    *,
    num_workers: int | None = None,
    threads_per_worker: int | None = None,
    retries: int = 0,
    timeout_s: float | None = None,
    grace_s: float = 60.0,
    on_event: Callable[[StudyEvent], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    stream: TextIO | None = None,
) -> StudyResult:
    """Run every job that did not come to its end before with this very command; one that fails stops no other.

    A job that named its run folder runs again when that folder is gone; one that `resumes` goes on from its checkpoint
    when it was cut short. Ctrl-C, SIGTERM and ``should_stop`` end the study: the jobs under way get the signal once and
    save. When this process is killed, the jobs are killed with it.

    Args:
        jobs: in the order in which they are started.
        folder: of the study; made if it is not there. Gets ``study.jsonl`` and ``logs/KEY.log``.
        num_workers: jobs at a time; None for one a core.
        threads_per_worker: threads that the numeric libraries of one job may use; a job's own ``env`` goes before.
            None shares the cores out, so that none is used twice; `OMP_NUM_THREADS` lowers the share.
        retries: how often a job that failed is started again, after all others.
        timeout_s: seconds after which an attempt is stopped (SIGTERM) and counts as failed; None for no limit.
        grace_s: seconds that a job has for saving after a signal, before it gets SIGTERM and 5 s later SIGKILL.
        on_event: told of every start and end, in this thread.
        should_stop: asked about 20 times a second.
        stream: where to show progress; standard output when None.

    Raises:
        StudyError: jobs or numbers that cannot be run; nothing was created.
        RunLockedError: another study runs in this folder.
        MetricsError: the journal is damaged before its last line.
        InterruptedRun: the study was asked to stop; exit code 130, or 143 after SIGTERM.
    """
    check_jobs(jobs)
    num_workers = min(num_usable_cores(), len(jobs)) if num_workers is None else num_workers
    if threads_per_worker is None:
        threads_per_worker = threads_of_worker(num_workers)
    settings = Settings(num_workers, threads_per_worker, retries, timeout_s, grace_s)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    display = make_display(stream or sys.stdout)

    def tell(event: StudyEvent) -> None:
        display.event(event)
        if on_event is not None:
            on_event(event)

    with lock_run(folder), StopSignals(announce=False) as stop:
        journal = Journal(
            folder / "study.jsonl", lambda error: display.message(f"the journal cannot be written: {error}")
        )
        study = Study(jobs, folder, settings, journal, tell)
        display.start(f"{len(jobs)} jobs, {num_workers} at a time, in {folder}")
        try:
            study.begin()
            while study.is_busy:
                if stop.requested is not None or (should_stop is not None and should_stop()):
                    _stop(study, stop, display.message)
                study.advance()
                display.tick(study.progress())
            return study.result()
        finally:
            study.kill_all()
            journal.close()
            display.close()


def _stop(study: Study, stop: StopSignals, say: Callable[[str], None]) -> None:
    """Ask the running jobs to stop, once."""
    if study.stopped_by is None:
        study.stop(stop.requested)
        if study.num_running:
            jobs = "1 running job" if study.num_running == 1 else f"{study.num_running} running jobs"
            say(f"stopping: waiting for {jobs} to save; once more to leave at once")
