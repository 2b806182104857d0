"""The state of a running study: which jobs wait, which run, what came out."""

import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path

from mlcore.errors import InterruptedRun
from mlcore.run_lock import wait_until_free
from mlcore.study.attempt import result_of, start_attempt
from mlcore.study.child import Child
from mlcore.study.estimate import remaining_seconds
from mlcore.study.job import Job
from mlcore.study.journal import Journal
from mlcore.study.output import begun_run
from mlcore.study.result import EventKind, JobResult, StudyEvent, StudyProgress, StudyResult
from mlcore.study.settings import Settings

_POLL_S = 0.05


class Study:
    """Starts jobs while workers are free, notes how they end, and stops them.

    Attributes:
        stopped_by: the signal that ended the study early; None as long as none did.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        folder: Path,
        settings: Settings,
        journal: Journal,
        tell: Callable[[StudyEvent], None],
    ) -> None:
        self.stopped_by: signal.Signals | None = None
        self._jobs, self._folder, self._settings = jobs, folder, settings
        self._journal, self._tell_caller = journal, tell
        self._waiting: deque[tuple[Job, str]] = deque()  # each with the reason why it runs again
        self._running: list[Child] = []
        self._results: dict[str, JobResult] = {}
        self._num_retries: Counter[str] = Counter()
        self._began = time.monotonic()

    @property
    def num_running(self) -> int:
        """Jobs under way."""
        return len(self._running)

    @property
    def is_busy(self) -> bool:
        """Whether anything runs or may still be started."""
        return bool(self._running) or (bool(self._waiting) and self.stopped_by is None)

    def begin(self) -> None:
        """Take over what an earlier call has finished; everything else waits for a worker."""
        for job in self._jobs:
            result = self._journal.finished(job, self._log_path(job))
            if result is None:
                has_changed = self._journal.knows_another_command(job)
                self._waiting.append((job, "its command has changed" if has_changed else ""))
            elif result.run_path is not None and not result.run_path.exists():
                self._waiting.append((job, "its run folder is gone"))
            else:
                self._results[job.key] = result
                self._tell("reused", job, result.attempts, result)

    def advance(self) -> None:
        """Start what can be started, wait a moment, and take in what has ended."""
        while self.stopped_by is None and self._waiting and self.num_running < self._settings.num_workers:
            self._start(*self._waiting.popleft())
        if self._running:
            time.sleep(_POLL_S)
        for child in list(self._running):
            code = child.poll()
            if code is not None:
                self._running.remove(child)
                self._end(child, code)
            elif self._settings.timeout_s is not None and child.seconds > self._settings.timeout_s:
                child.ask_to_stop(signal.SIGTERM, self._settings.grace_s, is_timeout=True)

    def stop(self, number: signal.Signals | None) -> None:
        """Start nothing more, and pass the signal on (SIGINT if None) to what runs."""
        self.stopped_by = number or signal.SIGINT
        for child in self._running:
            child.ask_to_stop(self.stopped_by, self._settings.grace_s)

    def kill_all(self) -> None:
        """End what still runs; nothing does unless an error came in between."""
        for child in self._running:
            child.kill()

    def result(self) -> StudyResult:
        """What came out.

        Raises:
            InterruptedRun: it was stopped before all jobs had ended.
        """
        was_cut = self._waiting or any(result.status == "interrupted" for result in self._results.values())
        if self.stopped_by is not None and was_cut:
            how_far = f"{self.progress().num_done} of {len(self._jobs)} jobs done"
            message = f"study interrupted: {how_far}; the same command runs the rest"
            raise InterruptedRun(message, 128 + self.stopped_by)
        return StudyResult(
            tuple(self._results[job.key] for job in self._jobs), time.monotonic() - self._began
        )

    def progress(self) -> StudyProgress:
        """Where the study stands."""
        weights = {job.key: job.weight for job in self._jobs}
        done = [result for result in self._results.values() if result.status == "done"]
        running = [(child.job.key, child.seconds) for child in self._running]
        return StudyProgress(
            num_jobs=len(self._jobs),
            num_done=len(done),
            num_failed=len(self._results) - len(done),
            running=tuple(running),
            elapsed_s=time.monotonic() - self._began,
            remaining_s=remaining_seconds(
                [(weights[result.key], result.seconds) for result in done],
                [(weights[key], seconds) for key, seconds in running],
                [job.weight for job, _ in self._waiting],
                self._settings.num_workers,
            ),
        )

    def _start(self, job: Job, note: str) -> None:
        log_path, resume = self._log_path(job), self._run_to_go_on_with(job)
        attempt = self._journal.started(job)
        self._running.append(start_attempt(job, attempt, log_path, self._settings.environment, resume))
        self._tell("started", job, attempt, None, note if resume is None else "goes on from its checkpoint")

    def _run_to_go_on_with(self, job: Job) -> Path | None:
        """The run of an attempt that was cut short after it had saved."""
        if not job.resumes or not self._journal.was_cut_short(job):
            return None
        run = begun_run(self._log_path(job))
        if run is None or not any((run / "checkpoints").glob("*.pt")):
            return None
        wait_until_free(run)
        return run

    def _end(self, child: Child, code: int) -> None:
        result = result_of(child, code)
        self._journal.ended(child.job, result)
        may_retry = self._num_retries[result.key] < self._settings.retries and self.stopped_by is None
        if result.status in ("failed", "timed_out") and may_retry:
            self._num_retries[result.key] += 1
            self._waiting.append((child.job, ""))
            self._tell("retrying", child.job, child.attempt, result)
        else:
            self._results[result.key] = result
            self._tell("finished", child.job, child.attempt, result)

    def _log_path(self, job: Job) -> Path:
        return self._folder / "logs" / f"{job.key}.log"

    def _tell(
        self, kind: EventKind, job: Job, attempt: int, result: JobResult | None, note: str = ""
    ) -> None:
        self._tell_caller(StudyEvent(kind, job.key, attempt, result, self.progress(), note))
