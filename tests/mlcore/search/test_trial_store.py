"""The memory of a search: what it proposes, and that no kill loses, repeats or changes a trial."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from mlcore.search.config import ParameterConfig, SearchConfig
from mlcore.search.plan import SearchPlan
from mlcore.search.space import Choices, Dimension, Point, RealNumbers, WholeNumbers
from mlcore.search.trial import Outcome, TrialRecord
from mlcore.search.trial_store import SearchError, TrialStore, clean_up_after_a_kill
from toy_train import loss_of

RATE_AND_X: tuple[Dimension, ...] = (RealNumbers("rate", 1e-5, 1.0, log=True), RealNumbers("x", -1.0, 1.0))
MIXED: tuple[Dimension, ...] = (*RATE_AND_X, WholeNumbers("width", 1, 9), Choices("kind", ("good", "bad")))


def plan_of(folder: Path, dimensions: Sequence[Dimension], **settings: object) -> SearchPlan:
    """A plan; only its dimensions are looked at, not what the file says of the space."""
    space = {"key": ParameterConfig(low=0, high=1)}
    mode = settings.pop("mode", "min")
    search = SearchConfig(space=space, **settings)  # type: ignore[arg-type]
    return SearchPlan(folder, folder / "train.py", search, dimensions, "val_loss", mode)  # type: ignore[arg-type]


def loss(point: Point) -> float:
    return loss_of(**point)


def run_all(
    plan: SearchPlan, value: Callable[[Point], float] = loss, limit: int = 10_000
) -> list[TrialRecord]:
    """All trials one after the other, those that were cut off first, without processes."""
    store = TrialStore(plan)
    waiting = store.reopen()
    for _ in range(limit):
        proposal = waiting.pop(0) if waiting else store.propose()
        if proposal is None:
            break
        number, point = proposal
        store.start(number)
        store.end(number, Outcome("done", value(point)), seconds=1.0, run=f"run_{number}")
    return store.records()


def best(records: Sequence[TrialRecord]) -> TrialRecord:
    return min(records, key=lambda record: record.value if record.value is not None else float("inf"))


def test_tpe_finds_the_minimum_of_a_bowl_that_is_known(tmp_path: Path) -> None:
    found = best(run_all(plan_of(tmp_path, MIXED, method="tpe", trials=70, seed=3)))
    assert found.value is not None
    assert found.value < 0.03, "70 trials in four dimensions; the mean over the space is 3.5"
    assert found.point["kind"] == "good"
    assert found.point["rate"] == pytest.approx(0.01, rel=0.5)
    assert found.point["x"] == pytest.approx(0.3, abs=0.17)


def test_tpe_learns_from_its_trials(tmp_path: Path) -> None:
    records = run_all(plan_of(tmp_path, RATE_AND_X, method="tpe", trials=50, seed=1))
    early = [record.value or 0 for record in records[:10]]
    late = [record.value or 0 for record in records[-20:]]
    assert sum(late) / 20 < sum(early) / 10 / 4


def test_random_trials_fill_the_space_evenly(tmp_path: Path) -> None:
    records = run_all(plan_of(tmp_path, MIXED, method="random", trials=120, seed=5))
    rates = sorted(record.point["rate"] for record in records)
    assert rates[60] == pytest.approx(10**-2.5, rel=1.5), "the median of a log-uniform rate"
    assert 40 < sum(record.point["kind"] == "good" for record in records) < 80
    assert {record.point["width"] for record in records} == set(range(1, 10))
    assert len({tuple(record.point.values()) for record in records}) == 120
    assert (best(records).value or 1) < 0.4


def test_a_grid_is_tried_point_by_point_each_once_and_its_best_is_the_best(tmp_path: Path) -> None:
    dimensions = (RealNumbers("rate", 1e-4, 1.0, log=True, points=5), RealNumbers("x", -0.2, 0.8, step=0.25))
    plan = plan_of(tmp_path, dimensions, method="grid")
    assert plan.total_trials == 25
    records = run_all(plan)
    tried = [tuple(record.point.values()) for record in records]
    assert len(tried) == len(set(tried)) == 25
    assert set(tried) == {(rate, x) for rate in dimensions[0].grid() for x in dimensions[1].grid()}
    assert best(records).point["rate"] == pytest.approx(0.01)
    assert best(records).point["x"] == pytest.approx(0.3)
    assert records[0].point != dict(zip(("rate", "x"), min(tried), strict=True)), "not corner first"


def test_a_limited_grid_goes_on_where_it_stopped(tmp_path: Path) -> None:
    dimensions = (WholeNumbers("width", 1, 9),)
    first = run_all(plan_of(tmp_path, dimensions, method="grid", trials=4), lambda point: 0.0)
    more = run_all(plan_of(tmp_path, dimensions, method="grid", trials=100), lambda point: 0.0)
    assert more[:4] == first
    assert sorted(record.point["width"] for record in more) == list(range(1, 10))


def test_the_largest_value_wins_where_the_metric_grows(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, RATE_AND_X, method="tpe", trials=40, seed=2, mode="max")
    records = run_all(plan, lambda point: -loss(point))
    values = [record.value for record in records if record.value is not None]
    assert max(values) > -0.1


@pytest.mark.parametrize("method", ["tpe", "random", "grid"])
def test_a_search_cut_off_at_any_byte_of_its_journal_tries_the_same_points(
    tmp_path: Path, method: str
) -> None:
    dimensions = (RealNumbers("rate", 1e-4, 1.0, log=True, points=4), RealNumbers("x", 0.0, 1.0, points=2))
    settings = {"method": method, "trials": 8, "startup_trials": 3, "seed": 7}
    (tmp_path / "whole").mkdir()
    expected = [
        (record.number, record.point, record.value, record.status)
        for record in run_all(plan_of(tmp_path / "whole", dimensions, **settings))
    ]
    content = (tmp_path / "whole" / "trials.journal").read_bytes()
    for index, cut in enumerate(range(1, len(content), len(content) // 23)):
        folder = tmp_path / f"cut_{index}"
        folder.mkdir()
        (folder / "trials.journal").write_bytes(content[:cut])
        (folder / "trials.journal.lock").touch()  # what a kill in the middle of writing leaves behind
        found = run_all(plan_of(folder, dimensions, **settings))
        assert [(r.number, r.point, r.value, r.status) for r in found] == expected, f"cut after {cut} bytes"


def test_a_trial_that_was_cut_off_keeps_its_number_and_counts_its_attempts(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, RATE_AND_X, method="random", trials=3)
    store = TrialStore(plan)
    first = store.propose()
    assert first is not None
    assert store.start(0) == 1
    again = TrialStore(plan)
    assert again.reopen() == [first]
    assert again.start(0) == 2
    again.end(0, Outcome("unfinished"), seconds=1.0, run=None)
    assert again.records()[0].status == "unfinished"
    third = TrialStore(plan)
    assert third.reopen() == [first]
    assert third.start(0) == 3
    assert third.propose() is not None
    assert [record.number for record in third.records()] == [0, 1]


def test_failed_and_diverged_trials_stand_in_the_record_with_their_reasons(tmp_path: Path) -> None:
    store = TrialStore(plan_of(tmp_path, RATE_AND_X, method="tpe", trials=3))
    outcomes = (
        Outcome("failed", reason="full disk"),
        Outcome("diverged", reason="NaN"),
        Outcome("done", 1.0),
    )
    for outcome in outcomes:
        proposal = store.propose()
        assert proposal is not None
        store.start(proposal[0])
        store.end(proposal[0], outcome, seconds=2.0, run="some_run")
    assert store.propose() is None, "a failed trial is a trial"
    records = TrialStore(plan_of(tmp_path, RATE_AND_X)).records()
    assert [(r.status, r.reason, r.value) for r in records] == [
        ("failed", "full disk", None),
        ("diverged", "NaN", None),
        ("done", "", 1.0),
    ]


def test_tpe_keeps_away_from_where_trials_diverged(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, RATE_AND_X, method="tpe", trials=40, seed=4)
    store = TrialStore(plan)
    diverged = []
    while (proposal := store.propose()) is not None:
        number, point = proposal
        store.start(number)
        # Below 0.1 the loss falls with the rate: only what happens above tells it to stop there.
        is_bad = point["rate"] > 0.1
        diverged.append(is_bad)
        outcome = Outcome("diverged") if is_bad else Outcome("done", -point["rate"])
        store.end(number, outcome, seconds=1.0, run=None)
    assert sum(diverged[-20:]) < 10, "with forgotten failures it runs into the wall again and again"
    assert best(store.records()).point["rate"] > 0.05


def test_a_journal_damaged_before_its_end_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, RATE_AND_X, method="random", trials=3)
    run_all(plan)
    content = plan.journal_path.read_bytes()
    plan.journal_path.write_bytes(b"rubbish" + content[20:])
    with pytest.raises(SearchError, match=r"trials\.journal: damaged"):
        TrialStore(plan)


def test_cleaning_up_removes_only_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "trials.journal"
    clean_up_after_a_kill(path)
    assert not path.exists()
    path.write_bytes(b"one\ntwo\nthr")
    clean_up_after_a_kill(path)
    clean_up_after_a_kill(path)
    assert path.read_bytes() == b"one\ntwo\n"
