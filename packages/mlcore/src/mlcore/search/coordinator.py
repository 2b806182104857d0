"""The state of a running search: which trials run, what came out, and when no more are started."""

import signal
import time
from collections import deque

from mlcore.logger.number_format import format_number
from mlcore.run_lock import wait_until_free
from mlcore.search.plan import SearchPlan, trial_name
from mlcore.search.space import Point
from mlcore.search.trial import TrialStatus, outcome_in, outcome_of
from mlcore.search.trial_store import TrialStore
from mlcore.study import JobResult, StudyEvent, StudyProgress
from mlcore.study.attempt import result_of, start_attempt
from mlcore.study.child import Child
from mlcore.study.display import Display
from mlcore.study.estimate import remaining_seconds
from mlcore.study.settings import Settings

_POLL_S = 0.05


class Search:
    """Keeps the workers busy with trials, and stops them.

    Attributes:
        stopped_by: the signal that ended the search early; None as long as none did.
    """

    def __init__(self, plan: SearchPlan, store: TrialStore, settings: Settings, display: Display) -> None:
        self.stopped_by: signal.Signals | None = None
        self._plan, self._store, self._settings, self._display = plan, store, settings, display
        self._waiting: deque[tuple[int, Point]] = deque()  # of earlier calls
        self._running: dict[int, Child] = {}
        self._done_in: list[float] = []  # seconds of every trial that is done
        self._num_failed = 0
        self._is_exhausted = False
        self._began = time.monotonic()

    @property
    def num_running(self) -> int:
        """Trials under way."""
        return len(self._running)

    @property
    def is_busy(self) -> bool:
        """Whether anything runs or may still be started."""
        return bool(self._running) or (self._may_start and not self._is_exhausted)

    @property
    def _may_start(self) -> bool:
        limit = self._plan.max_minutes
        is_late = limit is not None and time.monotonic() - self._began >= 60 * limit
        return self.stopped_by is None and not is_late

    def begin(self) -> None:
        """Take in trials whose process came to its end when nobody was there; the other open ones run again."""
        for record in self._store.records():
            self._count(record.status, record.seconds)
        for number, point in self._store.reopen():
            run = self._plan.newest_run(number)
            outcome = None if run is None else outcome_in(run, self._plan.metric)
            if run is None or outcome is None or outcome.status == "unfinished":
                self._waiting.append((number, point))
            else:
                self._store.end(number, outcome, seconds=0.0, run=run.path.name)
                self._count(outcome.status, 0.0)
                self._display.message(f"{trial_name(number)} had ended when the search was cut off: taken in")

    def advance(self) -> None:
        """Start what can be started, wait a moment, and take in what has ended."""
        while self._may_start and not self._is_exhausted and self.num_running < self._settings.num_workers:
            proposal = self._waiting.popleft() if self._waiting else self._store.propose()
            if proposal is None:
                self._is_exhausted = True
            else:
                self._start(*proposal)
        if self._running:
            time.sleep(_POLL_S)
        for number, child in list(self._running.items()):
            code = child.poll()
            if code is not None:
                del self._running[number]
                self._end(number, child, code)
            elif self._settings.timeout_s is not None and child.seconds > self._settings.timeout_s:
                child.ask_to_stop(signal.SIGTERM, self._settings.grace_s, is_timeout=True)

    def stop(self, number: signal.Signals | None) -> None:
        """Start nothing more, and pass the signal on (SIGINT if None) to what runs."""
        self.stopped_by = number or signal.SIGINT
        for child in self._running.values():
            child.ask_to_stop(self.stopped_by, self._settings.grace_s)

    def kill_all(self) -> None:
        """End what still runs; nothing does unless an error came in between."""
        for child in self._running.values():
            child.kill()

    def progress(self) -> StudyProgress:
        """Where the search stands."""
        num_ended = len(self._done_in) + self._num_failed
        num_left = max(self._plan.total_trials - num_ended - self.num_running, 0)
        return StudyProgress(
            num_jobs=self._plan.total_trials,
            num_done=len(self._done_in),
            num_failed=self._num_failed,
            running=tuple((trial_name(number), child.seconds) for number, child in self._running.items()),
            elapsed_s=time.monotonic() - self._began,
            remaining_s=remaining_seconds(
                [(1.0, seconds) for seconds in self._done_in if seconds],
                [(1.0, child.seconds) for child in self._running.values()],
                [1.0] * num_left,
                self._settings.num_workers,
            ),
        )

    def _start(self, number: int, point: Point) -> None:
        run = self._plan.newest_run(number)
        can_go_on = run is not None and any(run.checkpoints.glob("*.pt"))
        if run is not None:
            wait_until_free(run.path)
        job = self._plan.job(number, point, run if can_go_on else None)
        attempt = self._store.start(number)
        log_path = self._plan.folder / "logs" / f"{job.key}.log"
        self._running[number] = start_attempt(job, attempt, log_path, self._settings.environment)
        note = "" if attempt == 1 else "goes on from its checkpoint" if can_go_on else "begins again"
        self._display.event(StudyEvent("started", job.key, attempt, None, self.progress(), note))

    def _end(self, number: int, child: Child, code: int) -> None:
        result = result_of(child, code)
        run = self._plan.newest_run(number)
        outcome = outcome_of(result, run, self._plan.metric)
        run_name = None if run is None else run.path.name
        self._store.end(number, outcome, seconds=child.seconds, run=run_name)
        self._count(outcome.status, child.seconds)
        note = outcome.reason
        if outcome.value is not None:
            note = f"{self._plan.metric} {format_number(outcome.value)}{self._best_note(number)}"
        self._display.event(self._finished(result, note if result.rc == 0 else ""))

    def _count(self, status: TrialStatus, seconds: float) -> None:
        if status == "done":
            self._done_in.append(seconds)
        elif status != "unfinished":
            self._num_failed += 1

    def _finished(self, result: JobResult, note: str) -> StudyEvent:
        return StudyEvent("finished", result.key, result.attempts, result, self.progress(), note)

    def _best_note(self, number: int) -> str:
        best = self._store.study.best_trial
        return ", the best so far" if best.number == number else ""
