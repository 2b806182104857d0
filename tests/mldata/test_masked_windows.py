"""Gaps in windows of tokens: their shares, their order, and that an input never tells its target."""

import numpy as np
import pytest
import torch
from mldata import masked_windows
from mldata.errors import DataError
from mldata.markov import MarkovSource
from mldata.masked_windows import LoneGaps, MaskedWindows

MASK, VOCABULARY, LENGTH = 100, 100, 40


def stream(num_tokens: int = 4_000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(VOCABULARY, size=num_tokens).astype(np.uint16)


def windows(tokens: np.ndarray, **options: object) -> MaskedWindows:
    options = {"context_length": LENGTH, "batch_size": 8, "seed": 5, **options}
    return MaskedWindows(tokens, mask_id=MASK, vocab_size=VOCABULARY, **options)


def whole(loader: MaskedWindows) -> tuple[torch.Tensor, torch.Tensor]:
    inputs, targets = zip(*loader, strict=True)
    return torch.cat(inputs), torch.cat(targets)


def test_15_percent_are_targets_of_which_80_are_hidden_10_replaced_and_10_kept() -> None:
    tokens = stream(200_000)
    inputs, targets = whole(windows(tokens, mode="sequential", batch_size=500))
    original = torch.from_numpy(tokens.astype(np.int64)).view(-1, LENGTH)
    is_target = targets >= 0
    assert (is_target.sum(dim=1) == 6).all()
    assert torch.equal(targets[is_target], original[is_target])
    assert torch.equal(inputs[~is_target], original[~is_target])
    num = int(is_target.sum())
    shown, wanted = inputs[is_target], targets[is_target]
    hidden, kept = shown == MASK, shown == wanted
    replaced = ~hidden & ~kept
    # A token drawn among all is by chance the token itself once in 100 times.
    for found, share in ((hidden, 0.8), (replaced, 0.099), (kept, 0.101)):
        assert float(found.double().mean()) == pytest.approx(
            share, abs=4 * (share * (1 - share) / num) ** 0.5
        )
    counts = torch.bincount(shown[replaced], minlength=VOCABULARY).double()
    expected = counts.sum() / VOCABULARY
    assert float(((counts - expected) ** 2 / expected).sum()) < 99 + 4 * (2 * 99) ** 0.5, (
        "uniform (chi-squared)"
    )
    places = is_target.double().mean(dim=0)
    assert float((places - 0.15).abs().max()) < 4 * (0.15 * 0.85 / len(targets)) ** 0.5


def tells(loader_of: object, tokens: np.ndarray) -> bool:
    """Whether other targets give other inputs where the targets are not shown on purpose."""
    inputs, targets = whole(loader_of(tokens))
    is_target = (targets >= 0).numpy().ravel()
    others = tokens.copy()
    others[: len(is_target)][is_target] = (others[: len(is_target)][is_target] + 37) % VOCABULARY
    again, other_targets = whole(loader_of(others))
    assert torch.equal(targets >= 0, other_targets >= 0), "where the gaps are does not depend on the text"
    is_kept = (inputs == targets) & (again == other_targets)
    assert float(is_kept.double().sum() / (targets >= 0).sum()) < 0.2
    return not torch.equal(inputs[~is_kept], again[~is_kept])


def test_no_input_depends_on_its_target_but_those_that_are_kept() -> None:
    assert not tells(lambda tokens: windows(tokens, mode="sequential"), stream())


def test_a_planted_leak_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    gather = MaskedWindows._gather

    def leaking(self: MaskedWindows, starts: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, targets = gather(self, starts)
        beside = (targets >= 0).roll(1, dims=1) & (targets < 0)
        return torch.where(beside, targets.roll(1, dims=1), inputs), targets

    monkeypatch.setattr(MaskedWindows, "_gather", leaking)
    assert tells(lambda tokens: windows(tokens, mode="sequential"), stream())


def test_a_mask_is_a_function_of_seed_epoch_and_place_whatever_the_batch_or_the_rank() -> None:
    tokens = stream()

    def by_window(**options: object) -> dict[tuple[int, ...], torch.Tensor]:
        loader = windows(tokens, **options)
        loader.set_epoch(2)
        inputs, targets = whole(loader)
        original = torch.where(targets >= 0, targets, inputs)
        return {tuple(row.tolist()): shown for row, shown in zip(original, inputs, strict=True)}

    alone = by_window(batch_size=1)
    together = by_window(batch_size=16)
    ranks = by_window(batch_size=4, rank=1, world_size=2)
    assert alone.keys() == together.keys()
    assert len(ranks) < len(alone)
    for window, shown in alone.items():
        assert torch.equal(shown, together[window])
        assert window not in ranks or torch.equal(shown, ranks[window])
    other_seed = by_window(seed=6)
    common = alone.keys() & other_seed.keys()
    assert all(not torch.equal(alone[window], other_seed[window]) for window in common)


def test_every_epoch_hides_other_tokens_in_training_and_the_same_in_validation() -> None:
    for mode, is_alike in (("random", False), ("sequential", True)):
        loader = windows(stream(LENGTH + 1), mode=mode, batch_size=1)
        (first,), (second,) = list(loader), list(loader)
        assert torch.equal(first[0], second[0]) == is_alike


def test_it_goes_on_in_the_middle_of_an_epoch_as_if_nothing_had_been() -> None:
    loader = windows(stream())
    loader.set_epoch(3)
    batches = list(loader)
    again = windows(stream())
    again.load_state_dict({"epoch": 3, "position": 5})
    for expected, found in zip(batches[5:], again, strict=True):
        assert torch.equal(expected[0], found[0])
        assert torch.equal(expected[1], found[1])


def test_sequential_windows_read_every_whole_window_once_and_the_last_token_too() -> None:
    tokens = stream(3 * LENGTH)
    inputs, targets = whole(windows(tokens, mode="sequential", batch_size=2))
    original = torch.where(targets >= 0, targets, inputs)
    assert original.flatten().tolist() == tokens.tolist()
    assert len(whole(windows(stream(4 * LENGTH - 1), mode="sequential"))[0]) == 3
    with pytest.raises(DataError, match="39 tokens do not fill one window of 40"):
        windows(stream(39), mode="sequential")


def test_lone_gaps_hide_one_token_at_a_time_each_window_at_other_places() -> None:
    tokens = stream(5 * LENGTH)
    gaps = LoneGaps(tokens, context_length=LENGTH, batch_size=2, mask_id=MASK, num_gaps=3, seed=1)
    assert len(gaps) == 3
    batches = list(gaps)
    assert [tuple(inputs.shape) for inputs, _ in batches] == [(2, 3, LENGTH), (2, 3, LENGTH), (1, 3, LENGTH)]
    original = torch.from_numpy(tokens.astype(np.int64)).view(5, 1, LENGTH)
    inputs = torch.cat([batch for batch, _ in batches])
    targets = torch.cat([batch for _, batch in batches]).view(5, 3, LENGTH)
    is_gap = targets >= 0
    assert (is_gap.sum(dim=2) == 1).all()
    assert (is_gap.sum(dim=1) <= 1).all(), "no place twice"
    assert (inputs[is_gap] == MASK).all()
    assert torch.equal(torch.where(is_gap, targets, inputs), original.expand_as(inputs))
    places = {tuple(row.nonzero().flatten().tolist()) for row in is_gap}
    assert len(places) > 1
    whole_window = LoneGaps(tokens, context_length=LENGTH, batch_size=5, mask_id=MASK, num_gaps=99)
    assert next(iter(whole_window))[0].shape == (5, LENGTH, LENGTH)


def test_interior_gaps_have_a_neighbour_on_both_sides() -> None:
    gaps = LoneGaps(stream(), context_length=4, batch_size=9_999, mask_id=MASK, num_gaps=9, interior=True)
    ((_, targets),) = gaps
    is_gap = targets.view(-1, 2, 4) >= 0
    assert is_gap.any(dim=(0, 1)).tolist() == [False, True, True, False]


def test_what_can_be_known_of_a_gap_is_what_counting_the_stream_says() -> None:
    source = MarkovSource.draw(3, seed=4)
    tokens = source.sample(200_000, seed=1).astype(np.int64)
    before, gap, after = tokens[:-2], tokens[1:-1], tokens[2:]
    counts = np.zeros((3, 3, 3))
    np.add.at(counts, (before, gap, after), 1)
    shares = counts / counts.sum()
    assert source.gap_accuracy == pytest.approx(shares.max(axis=1).sum(), abs=0.005)
    entropy = -(shares * np.log(shares / shares.sum(axis=1, keepdims=True))).sum()
    assert source.gap_loss == pytest.approx(entropy, abs=0.005)
    assert source.bayes_accuracy < source.gap_accuracy


def test_shares_are_read_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masked_windows, "HIDDEN_SHARE", 1.0)
    inputs, targets = whole(windows(stream(), mode="sequential"))
    assert (inputs[targets >= 0] == MASK).all()
