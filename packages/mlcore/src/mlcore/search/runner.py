"""Runs a search: trials some at a time, until they are all done, the time is up, or a signal comes."""

import sys
from collections.abc import Callable
from typing import TextIO

from mlcore.errors import InterruptedRun
from mlcore.run_lock import lock_run
from mlcore.search.coordinator import Search
from mlcore.search.plan import SearchPlan
from mlcore.search.trial import TrialRecord
from mlcore.search.trial_store import TrialStore
from mlcore.signals import StopSignals
from mlcore.study.display import Display, make_display
from mlcore.study.settings import Settings


def run_search(
    plan: SearchPlan,
    *,
    grace_s: float = 60.0,
    stream: TextIO | None = None,
    on_end: Callable[[TrialStore], None] | None = None,
) -> list[TrialRecord]:
    """Run the trials that are not done yet; one that fails stops no other.

    The same call goes on where an earlier one ended, however it ended. Ctrl-C and SIGTERM end the search: the trials
    under way get the signal once and save. When this process is killed, they are killed with it.

    Args:
        plan: what is searched. Its folder and `base.yaml` exist.
        grace_s: seconds that a trial has for saving after a signal.
        stream: where to show progress; standard output when None.
        on_end: called with the store while the folder is still locked, also when the search was stopped.

    Returns:
        All trials of the search, those of earlier calls included.

    Raises:
        RunLockedError: another search runs in this folder.
        SearchError: its journal is damaged.
        InterruptedRun: the search was asked to stop; exit code 130, or 143 after SIGTERM.
    """
    (plan.folder / "logs").mkdir(parents=True, exist_ok=True)
    minutes = plan.search.trial_minutes
    timeout_s = None if minutes is None else 60 * minutes
    settings = Settings(plan.num_workers, plan.threads_per_worker, 0, timeout_s, grace_s)
    display = make_display(stream or sys.stdout)
    with lock_run(plan.folder), StopSignals(announce=False) as stop:
        store = TrialStore(plan)
        search = Search(plan, store, settings, display)
        total = f"{plan.total_trials} trials ({plan.search.method}), {plan.num_workers} at a time"
        display.start(f"{total}, in {plan.folder}")
        try:
            _run(search, stop, display)
        finally:
            search.kill_all()
            display.close()
        if on_end is not None:
            on_end(store)
        if search.stopped_by is not None:
            progress = search.progress()
            how_far = f"{progress.num_done} of {progress.num_jobs} trials done"
            raise InterruptedRun(
                f"search interrupted: {how_far}; the same command goes on", 128 + search.stopped_by
            )
        return store.records()


def _run(search: Search, stop: StopSignals, display: Display) -> None:
    search.begin()
    while search.is_busy:
        if stop.requested is not None and search.stopped_by is None:
            search.stop(stop.requested)
            if search.num_running:
                display.message("stopping: waiting for the running trials; once more to leave at once")
        search.advance()
        display.tick(search.progress())
