"""Token windows: each exactly once an epoch, whatever stops and resumes; ranks; padding; workers."""

import itertools
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata.errors import DataError
from mldata.windows import IGNORED, TokenWindows


def stream(num_tokens: int) -> np.ndarray:
    """Token i is i: a window shows where it was cut."""
    return np.arange(num_tokens, dtype=np.uint16)


def rows(batches: list[tuple[torch.Tensor, torch.Tensor]]) -> list[tuple[int, ...]]:
    return [tuple(row) for inputs, _ in batches for row in inputs.tolist()]


def test_targets_are_the_inputs_one_token_later_and_both_are_int64() -> None:
    windows = TokenWindows(stream(100), context_length=7, batch_size=4)
    inputs, targets = next(iter(windows))
    assert inputs.shape == targets.shape == (4, 7)
    assert inputs.dtype == targets.dtype == torch.int64
    assert torch.equal(targets, inputs + 1)
    assert inputs.is_contiguous()
    assert targets.is_contiguous()


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 300), st.integers(0, 9), st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_an_epoch_holds_each_window_once_without_overlap(
    length: int, batch_size: int, extra: int, seed: int, epoch: int
) -> None:
    tokens = stream(length + 1 + extra)
    windows = TokenWindows(tokens, context_length=length, batch_size=batch_size, seed=seed)
    windows.set_epoch(epoch)
    batches = list(windows)
    assert len(batches) == len(windows)
    seen = [token for row in rows(batches) for token in row]
    assert len(seen) == len(set(seen)), "a token was an input twice"
    assert len(seen) >= len(tokens) - 2 * length, "more than the two ends of the stream were left out"
    assert all(row == tuple(range(row[0], row[0] + length)) for row in rows(batches))


def test_ten_thousand_stops_and_resumes_give_the_uninterrupted_epoch() -> None:
    chance = random.Random(3)
    for _ in range(10_000):
        options = {"context_length": chance.randint(1, 9), "batch_size": chance.randint(1, 5)}
        tokens, seed, epoch = stream(chance.randint(12, 40)), chance.randint(0, 99), chance.randint(0, 4)
        whole = TokenWindows(tokens, seed=seed, **options)
        expected = whole.window_starts(epoch).tolist()
        stop = chance.randint(0, len(whole))
        first = TokenWindows(tokens, seed=seed, **options)
        first.set_epoch(epoch)
        before = list(itertools.islice(first, stop))
        state = first.state_dict()
        assert state == {"epoch": epoch, "position": stop}
        second = TokenWindows(tokens, seed=seed, **options)
        second.load_state_dict({**state, "of_someone_else": 1})
        second.set_epoch(epoch)
        assert [row[0] for row in rows(before + list(second))] == expected


def test_position_counts_batches_handed_out_and_an_ended_epoch_leads_to_the_next() -> None:
    windows = TokenWindows(stream(100), context_length=5, batch_size=4, seed=1)
    first_epoch = rows(list(windows))
    assert windows.state_dict() == {"epoch": 1, "position": 0}
    second_epoch = rows(list(windows))
    windows.set_epoch(0)
    assert rows(list(windows)) == first_epoch != second_epoch


def test_a_look_at_the_first_batch_does_not_take_it_away() -> None:
    windows = TokenWindows(stream(100), context_length=5, batch_size=4)
    looked_at = next(iter(windows))
    assert torch.equal(next(iter(windows))[0], looked_at[0])
    assert len(list(windows)) == len(windows)


def test_a_loaded_position_is_used_once() -> None:
    windows = TokenWindows(stream(100), context_length=5, batch_size=4)
    windows.load_state_dict({"epoch": 0, "position": 2})
    assert len(list(windows)) == len(windows) - 2
    windows.set_epoch(0)
    assert len(list(windows)) == len(windows)


def test_epochs_cut_the_stream_at_different_offsets() -> None:
    windows = TokenWindows(stream(1000), context_length=10, batch_size=4)
    assert len({int(windows.window_starts(epoch)[0]) % 10 for epoch in range(40)}) > 5


def test_order_is_a_function_of_seed_and_epoch_alone() -> None:
    options = {"context_length": 10, "batch_size": 4}
    one, two = (TokenWindows(stream(1000), seed=5, **options) for _ in range(2))
    other = TokenWindows(stream(1000), seed=6, **options)
    assert one.window_starts(3).tolist() == two.window_starts(3).tolist()
    assert one.window_starts(3).tolist() != one.window_starts(4).tolist()
    assert one.window_starts(3).tolist() != other.window_starts(3).tolist()


@pytest.mark.parametrize("mode", ["random", "sequential"])
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_no_bit_and_no_position(mode: str, workers: int) -> None:
    options = {"context_length": 9, "batch_size": 4, "seed": 2, "mode": mode}
    plain = TokenWindows(stream(1000), **options)
    threaded = TokenWindows(stream(1000), num_workers=workers, **options)
    expected = list(plain)
    for stop in (0, 1, 5, len(plain)):
        threaded.load_state_dict({"epoch": 0, "position": 0})
        taken = list(itertools.islice(threaded, stop))
        assert threaded.state_dict() == {"epoch": 0, "position": stop}
        threaded.load_state_dict(threaded.state_dict())
        taken += list(threaded)
        assert len(taken) == len(expected)
        assert all(
            torch.equal(a, b) for x, y in zip(taken, expected, strict=True) for a, b in zip(x, y, strict=True)
        )


@given(st.integers(1, 9), st.integers(1, 5), st.integers(2, 120))
@settings(max_examples=200, deadline=None)
def test_sequential_windows_make_every_token_but_the_first_a_target_once(
    length: int, batch_size: int, num_tokens: int
) -> None:
    windows = TokenWindows(
        stream(num_tokens), context_length=length, batch_size=batch_size, mode="sequential"
    )
    batches = list(windows)
    assert len(batches) == len(windows)
    targets = torch.cat([targets.flatten() for _, targets in batches])
    inputs = torch.cat([inputs.flatten() for inputs, _ in batches])
    kept = targets != IGNORED
    assert targets[kept].tolist() == list(range(1, num_tokens))
    assert inputs[kept].tolist() == list(range(num_tokens - 1))
    assert not kept.all() or (num_tokens - 1) % length == 0


@pytest.mark.parametrize("mode", ["random", "sequential"])
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(30, 200))
@settings(max_examples=100, deadline=None)
def test_ranks_share_each_epoch_without_overlap_or_gap(
    mode: str, world_size: int, length: int, batch_size: int, num_tokens: int
) -> None:
    options = {"context_length": length, "batch_size": batch_size, "mode": mode, "seed": 1}
    ranks = [
        TokenWindows(stream(num_tokens), rank=rank, world_size=world_size, **options)
        for rank in range(world_size)
    ]
    seen = [row for rank in ranks for row in rows(list(rank))]
    expected = ranks[0].window_starts(0)
    assert sorted(row[0] for row in seen) == sorted(expected.tolist())
    alone = len(TokenWindows(stream(num_tokens), **options).window_starts(0))
    if mode == "random":
        assert len({len(rank) for rank in ranks}) == 1, "unequal ranks would wait for one another for ever"
        assert alone - len(expected) < world_size
    else:
        assert len(expected) == alone


def test_ranks_together_see_the_batches_of_one_process_with_the_large_batch() -> None:
    large = TokenWindows(stream(500), context_length=6, batch_size=8, drop_last=True)
    ranks = [
        TokenWindows(stream(500), context_length=6, batch_size=4, rank=r, world_size=2) for r in range(2)
    ]
    for whole, left, right in zip(large, *ranks, strict=False):
        assert torch.equal(whole[0], torch.cat([left[0], right[0]]))


def test_drop_last_leaves_out_the_partial_batch() -> None:
    kept = TokenWindows(stream(60), context_length=5, batch_size=4)
    dropped = TokenWindows(stream(60), context_length=5, batch_size=4, drop_last=True)
    assert [len(inputs) for inputs, _ in kept] == [4, 4, 3]
    assert [len(inputs) for inputs, _ in dropped] == [4, 4]
    assert (len(kept), len(dropped)) == (3, 2)


def test_mistakes_are_named() -> None:
    with pytest.raises(DataError, match="5 tokens are too few for windows of 5: 6 is the least"):
        TokenWindows(stream(5), context_length=5, batch_size=1)
    with pytest.raises(DataError, match="12 tokens give 1 windows for 3 ranks"):
        TokenWindows(stream(12), context_length=5, batch_size=1, world_size=3)
    with pytest.raises(ValueError, match="batch_size is 0; 1 is the least"):
        TokenWindows(stream(50), context_length=5, batch_size=0)
    with pytest.raises(ValueError, match="rank is 2; with world_size 2 it is 0 to 1"):
        TokenWindows(stream(50), context_length=5, batch_size=1, rank=2, world_size=2)
    with pytest.raises(ValueError, match="'shuffled' is neither"):
        TokenWindows(stream(50), context_length=5, batch_size=1, mode="shuffled")  # type: ignore[arg-type]
    windows = TokenWindows(stream(50), context_length=5, batch_size=4)
    with pytest.raises(DataError, match="cannot continue at epoch 0, batch 99: an epoch has"):
        windows.load_state_dict({"epoch": 0, "position": 99})


def test_ids_above_65535_survive_a_uint32_stream() -> None:
    tokens = np.arange(70_000, 70_050, dtype=np.uint32)
    inputs, targets = next(iter(TokenWindows(tokens, context_length=10, batch_size=1, mode="sequential")))
    assert inputs[0].tolist() == list(range(70_000, 70_010))
    assert targets[0].tolist() == list(range(70_001, 70_011))
