"""Real children with targets whose time, memory and order are known."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore.benchmarking import BenchmarkError, BenchmarkResult, BenchmarkSettings, ModelBenchmark, Variant
from mlcore.benchmarking.turn_order import turn_order

MakeVariant = Callable[..., Variant]
Run = Callable[..., BenchmarkResult]
MEBIBYTE = 2**20


@pytest.mark.parametrize("num_variants", range(1, 8))
def test_every_variant_follows_every_other_equally_often(num_variants: int) -> None:
    num_rounds = num_variants if num_variants % 2 == 0 else 2 * num_variants
    orders = [turn_order(num_variants, number) for number in range(num_rounds)]
    assert all(sorted(order) == list(range(num_variants)) for order in orders)
    followers = [pair for order in orders for pair in itertools.pairwise(order)]
    counts = {followers.count(pair) for pair in itertools.permutations(range(num_variants), 2)}
    assert len(counts) <= 1
    firsts = [order[0] for order in orders]
    assert {firsts.count(name) for name in range(num_variants)} == {num_rounds // num_variants}


def test_turns_follow_the_order_and_never_overlap(variant: MakeVariant, run: Run) -> None:
    names = ["a", "b", "c", "d"]
    result = run(*(variant(name, "sleeping", seconds=0.002) for name in names), rounds=4)
    turns = sorted(
        (turn.began_s, turn.ended_s, turn.round, one.name)
        for one in result.measurements
        for turn in one.turns
    )
    expected = [(number, names[place]) for number in range(4) for place in turn_order(4, number)]
    assert [(number, name) for _, _, number, name in turns] == expected
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(turns))


def test_every_step_of_every_round_is_kept_and_warm_up_is_not(variant: MakeVariant, run: Run) -> None:
    result = run(variant("counter", "counting"), rounds=3, steps_per_round=4, warm_up_steps=2)
    turns = result["counter"].turns
    assert [len(turn.wall_s) for turn in turns] == [len(turn.cpu_s) for turn in turns] == [4, 4, 4]
    assert [turn.value for turn in turns] == [1 + 2 + 4, 1 + 2 + 8, 1 + 2 + 12]
    assert result["counter"].failure is None


def test_what_a_target_prints_goes_to_its_log_and_not_into_the_answers(
    variant: MakeVariant, run: Run, tmp_path: Path
) -> None:
    run(variant("counter", "counting"), folder=tmp_path)
    assert "printed by the target" in (tmp_path / "counter.log").read_text()


def test_wall_time_counts_waiting_and_cpu_time_does_not(variant: MakeVariant, run: Run) -> None:
    result = run(variant("sleeper", "sleeping", seconds=0.05), variant("worker", "burning", cpu_seconds=0.05))
    sleeper, worker = result["sleeper"], result["worker"]
    assert all(seconds >= 0.05 for turn in sleeper.turns for seconds in turn.wall_s)
    assert all(seconds < 0.02 for turn in sleeper.turns for seconds in turn.cpu_s)
    assert all(seconds >= 0.05 for turn in worker.turns for seconds in turn.cpu_s)
    assert sleeper.contention > 2.5, "a sleeper waits for all but a small part of its time"
    assert worker.contention >= 0.99, "one thread cannot use more than one core"


def test_whoever_has_no_turn_sleeps(variant: MakeVariant, run: Run) -> None:
    result = run(
        variant("waiting", "sleeping", seconds=0.001), variant("long", "burning", cpu_seconds=0.2), rounds=3
    )
    assert result["waiting"].idle_cpu_s < 0.05 * sum(
        turn.ended_s - turn.began_s for turn in result["long"].turns
    )


@pytest.mark.parametrize("in_step", [True, False])
def test_peak_memory_is_what_was_held_above_the_base(variant: MakeVariant, run: Run, in_step: bool) -> None:
    result = run(variant("holder", "allocating", mebibytes=64, in_step=in_step), variant("other", "sleeping"))
    holder, other = result["holder"], result["other"]
    assert 64 * MEBIBYTE <= holder.peak_memory_bytes + MEBIBYTE < 70 * MEBIBYTE
    assert other.peak_memory_bytes < 6 * MEBIBYTE, "another variant's memory is not its own"
    if holder.steady_memory_bytes is not None:  # where the peak can be reset
        assert (holder.steady_memory_bytes > 60 * MEBIBYTE) == in_step


def test_a_variant_has_its_own_variables_and_threads_and_is_closed(
    variant: MakeVariant, run: Run, tmp_path: Path
) -> None:
    names = ["MALLOC_TRIM_THRESHOLD_", "OMP_NUM_THREADS"]
    closed = tmp_path / "closed"
    tuned = variant("tuned", "showing", {"MALLOC_TRIM_THRESHOLD_": "17179869184"}, names=names)
    plain = variant("plain", "showing", names=names, closed_file=str(closed))
    result = run(tuned, plain, threads=3)
    assert result["tuned"].facts == {"MALLOC_TRIM_THRESHOLD_": "17179869184", "OMP_NUM_THREADS": "3"}
    assert result["plain"].facts == {"MALLOC_TRIM_THRESHOLD_": None, "OMP_NUM_THREADS": "3"}
    assert closed.exists()


def test_the_yardstick_of_the_variants_dtype_is_timed_in_the_same_rounds(
    variant: MakeVariant, run: Run
) -> None:
    small = variant("small", "multiplying", size=64, dtype="float32")
    result = run(small, variant("sleeper", "sleeping"), yardstick_size=128, threads=1)
    (yardstick,) = result.yardsticks
    assert [turn.round for turn in yardstick.turns] == [0, 1]
    assert yardstick.flops_per_step == 2 * 128**3 * yardstick.facts["products_per_step"]
    assert result["small"].facts["torch_threads"] == 1
    share = result.share_of_yardstick("small")
    by_hand = [
        (2 * 64**3 / own.seconds("wall")) / (yardstick.flops_per_step / product.seconds("wall"))
        for own, product in zip(result["small"].turns, yardstick.turns, strict=True)
    ]
    assert share.values == pytest.approx(by_hand)
    assert result.share_of_yardstick("sleeper") is None, "it names no dtype"


def test_a_dtype_that_is_hopelessly_slow_is_refused_instead_of_tried() -> None:
    """Products of a million rows would take hours on any CPU: the probe sees it in milliseconds."""
    from mlcore.benchmarking.yardstick import TooSlowError, matrix_product

    with pytest.raises(TooSlowError, match="float16 would take about"):
        matrix_product("float16", "cpu", 1_000_000)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"rounds": 0}, "rounds"), ({"time_limit_s": 0}, "time_limit_s"), ({"threads": 0}, "threads")],
)
def test_settings_without_sense_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(BenchmarkError, match=words):
        BenchmarkSettings(**settings)


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ([], "at least one"),
        ([Variant("a", "m:f"), Variant("A", "m:f")], "two variants"),
        ([Variant("a/b", "m:f")], "name"),
        ([Variant("a", "m.f")], "module:function"),
        ([Variant("a", "m:f", {"x": object()})], "arguments"),
    ],
)
def test_variants_that_cannot_be_measured_are_refused(variants: list[Variant], words: str) -> None:
    with pytest.raises(BenchmarkError, match=words):
        ModelBenchmark(variants)
