"""The memory of a search: an Optuna study in a journal file, written by the one process that holds the folder's lock.

A trial keeps its number, whatever happens: one that was cut off is opened again, never replaced. Its point is drawn
first and then written in one line, so no kill leaves half a trial. Optuna's sampler is made anew for every trial, with
a seed of (seed of the search, number): a search that was killed and goes on tries the points that it would have tried.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.errors import UserError
from mlcore.search.plan import SearchPlan
from mlcore.search.space import Point
from mlcore.search.trial import Outcome, TrialRecord, TrialStatus
from mlcore.seeding import seed_for

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

_STUDY = "search"


class SearchError(UserError):
    """The journal of a search cannot be used."""


class TrialStore:
    """Proposes trials and remembers how they ended.

    Args:
        plan: names the journal, the space and the method.

    Raises:
        SearchError: the journal is damaged before its last line.
    """

    def __init__(self, plan: SearchPlan) -> None:
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._plan = plan
        path = plan.journal_path
        clean_up_after_a_kill(path)
        try:
            backend = JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path)))
            self.study: Study = optuna.create_study(
                storage=JournalStorage(backend),
                study_name=_STUDY,
                direction="minimize" if plan.mode == "min" else "maximize",
                pruner=optuna.pruners.NopPruner(),
                load_if_exists=True,
            )
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise SearchError(f"{path}: damaged, this search cannot go on ({error})") from error
        self._distributions = {dimension.key: dimension.distribution() for dimension in plan.dimensions}

    def propose(self) -> tuple[int, Point] | None:
        """Number and point of a new trial; None when all of them have been proposed."""
        from optuna.trial import TrialState, create_trial

        number = len(self.study.get_trials(deepcopy=False))
        if number >= self._plan.total_trials:
            return None
        point = self._plan.grid[number] if self._plan.grid else self._sample(number)
        trial = create_trial(
            state=TrialState.RUNNING, params=dict(point), distributions=dict(self._distributions)
        )
        self.study.add_trial(trial)
        return number, point

    def reopen(self) -> list[tuple[int, Point]]:
        """Number and point of the trials that were begun and not ended."""
        from optuna.trial import TrialState

        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [(trial.number, dict(trial.params)) for trial in running]

    def start(self, number: int) -> int:
        """Note that a trial's process is about to start; returns the number of this attempt, from 1."""
        trial = self._trial(number)
        attempt = int(trial.user_attrs.get("attempts", 0)) + 1
        trial.set_user_attr("attempts", attempt)
        return attempt

    def end(self, number: int, outcome: Outcome, *, seconds: float, run: str | None) -> None:
        """Note how a trial ended; it is on the disk when this returns. An unfinished one stays open."""
        from optuna.trial import TrialState

        if outcome.status == "unfinished":
            return
        note = {"seconds": round(seconds, 3), "run": run, "reason": outcome.reason, "status": outcome.status}
        self._trial(number).set_user_attr("end", note)
        if outcome.status == "done":
            self.study.tell(number, outcome.value)
        else:
            # Optuna's samplers forget a failed trial, but keep away from where one was pruned: a point that
            # diverges teaches something about its surroundings, a disk that was full does not.
            state = TrialState.PRUNED if outcome.status == "diverged" else TrialState.FAIL
            self.study.tell(number, state=state)

    def records(self) -> list[TrialRecord]:
        """All trials that were begun, by number."""
        return [_record(trial) for trial in self.study.get_trials(deepcopy=False)]

    def _trial(self, number: int) -> Trial:
        """The handle that may write a trial's attributes; Optuna gives it only to who began the trial."""
        from optuna.trial import Trial

        return Trial(self.study, self.study.get_trials(deepcopy=False)[number]._trial_id)

    def _sample(self, number: int) -> Point:
        """What Optuna would try next; it is asked in memory, for samplers write notes into the study that they see."""
        import optuna

        study = optuna.create_study(direction=self.study.direction, sampler=self._sampler(number))
        study.add_trials(self.study.get_trials(deepcopy=False))
        point = study.ask(fixed_distributions=self._distributions).params
        return {dimension.key: point[dimension.key] for dimension in self._plan.dimensions}

    def _sampler(self, number: int) -> BaseSampler:
        from optuna.samplers import RandomSampler, TPESampler

        search = self._plan.search
        seed = seed_for(search.seed, "trial", number) % 2**32
        if search.method == "tpe":
            return TPESampler(seed=seed, n_startup_trials=search.startup_trials)
        return RandomSampler(seed=seed)


def clean_up_after_a_kill(path: Path) -> None:
    """Remove what a kill may have left of Optuna's own writing: half a line, and the lock of a dead process.

    Only for the process that holds the lock of the folder.
    """
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def _record(trial: FrozenTrial) -> TrialRecord:
    from optuna.trial import TrialState

    end: dict[str, Any] = trial.user_attrs.get("end", {})
    by_state: dict[TrialState, TrialStatus] = {
        TrialState.COMPLETE: "done",
        TrialState.PRUNED: "diverged",
        TrialState.FAIL: "failed",
    }
    status = by_state.get(trial.state, "unfinished")
    return TrialRecord(
        number=trial.number,
        point=dict(trial.params),
        status=status,
        value=trial.value if status == "done" else None,
        seconds=float(end.get("seconds", 0.0)),
        attempts=int(trial.user_attrs.get("attempts", 0)),
        run=end.get("run") if status != "unfinished" else None,
        reason=str(end.get("reason", "")) if status != "unfinished" else "not finished",
    )
