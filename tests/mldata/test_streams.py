"""Streams: rows that go on from batch to batch, every token once, exact in the middle of an epoch."""

import numpy as np
import pytest
import torch
from mldata.errors import DataError
from mldata.streams import TokenStreams


def tokens(count: int = 203) -> np.ndarray:
    """Every token names its own place."""
    return np.arange(count, dtype=np.uint16)


@pytest.mark.parametrize("mode", ["random", "sequential"])
def test_every_row_goes_on_where_it_ended_and_targets_are_one_token_later(mode: str) -> None:
    loader = TokenStreams(tokens(), context_length=7, batch_size=4, mode=mode, seed=5)
    loader.set_epoch(3)
    inputs, targets = (torch.cat(parts, dim=1) for parts in zip(*loader, strict=True))
    assert inputs.dtype == targets.dtype == torch.int64
    for row in range(4):
        counted = targets[row] >= 0
        read, wanted = inputs[row][counted], targets[row][counted]
        assert torch.equal(read, read[0] + torch.arange(len(read)))
        assert torch.equal(wanted, read + 1)
        assert not counted[len(read) :].any(), "padding is at the end alone"
    assert bool((targets >= 0).all()) == (mode == "random"), "training windows are full"


@pytest.mark.parametrize("rows", [1, 3, 4])
@pytest.mark.parametrize("count", [30, 203])
def test_in_order_every_token_but_the_first_is_a_target_once(rows: int, count: int) -> None:
    loader = TokenStreams(tokens(count), context_length=7, batch_size=rows, mode="sequential")
    batches = list(loader)
    assert len(batches) == len(loader)
    found = torch.cat([targets[targets >= 0] for _, targets in batches])
    assert sorted(found.tolist()) == list(range(1, count))
    if rows == 1:
        assert found.tolist() == list(range(1, count)), "one row is the text in its order"


def test_training_reads_nearly_everything_once_and_from_another_offset_each_epoch() -> None:
    loader = TokenStreams(tokens(), context_length=7, batch_size=4, seed=5)
    firsts = []
    for epoch in range(6):
        loader.set_epoch(epoch)
        found = torch.cat([targets.flatten() for _, targets in loader]).tolist()
        assert len(set(found)) == len(found) == len(loader) * 4 * 7
        assert len(found) > 203 - 7 - 4 * 7
        firsts.append(min(found))
    assert len(set(firsts)) > 2
    assert max(firsts) <= 7


def test_a_loader_goes_on_in_the_middle_of_an_epoch() -> None:
    whole, cut = (TokenStreams(tokens(), context_length=5, batch_size=3, seed=1) for _ in range(2))
    whole.set_epoch(2)
    expected = list(whole)
    assert whole.state_dict() == {"epoch": 3, "position": 0}
    cut.load_state_dict({"epoch": 2, "position": 4})
    cut.set_epoch(2)
    for (inputs, _), (others, _) in zip(expected[4:], cut, strict=True):
        assert torch.equal(inputs, others)
    with pytest.raises(DataError, match="an epoch has"):
        cut.load_state_dict({"epoch": 0, "position": 99})


@pytest.mark.parametrize("mode", ["random", "sequential"])
def test_the_rows_of_two_ranks_together_are_those_of_one_process(mode: str) -> None:
    cut = {"context_length": 6, "seed": 2, "mode": mode}
    alone = TokenStreams(tokens(), batch_size=4, **cut)
    ranks = [TokenStreams(tokens(), batch_size=2, rank=rank, world_size=2, **cut) for rank in (0, 1)]
    for (inputs, targets), parts in zip(alone, zip(*ranks, strict=True), strict=True):
        assert torch.equal(inputs, torch.cat([part[0] for part in parts]))
        assert torch.equal(targets, torch.cat([part[1] for part in parts]))


def test_too_few_tokens_are_said_in_words() -> None:
    with pytest.raises(DataError, match="30 tokens are too few for 5 rows in windows of 7"):
        TokenStreams(tokens(30), context_length=7, batch_size=5)
    with pytest.raises(DataError, match="too few"):
        TokenStreams(tokens(4), context_length=7, batch_size=5, mode="sequential")
    with pytest.raises(ValueError, match="batch_size is 0"):
        TokenStreams(tokens(), context_length=7, batch_size=0)
