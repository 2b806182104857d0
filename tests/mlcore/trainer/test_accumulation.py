"""Accumulated gradients are those of the whole batch, however it is split and padded."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.trainer import LanguageModelTrainer, TrainingConfig
from mlcore.trainer.accumulation import accumulate, windows
from mlcore.trainer.distributed import Processes
from torch import Tensor, nn

VOCABULARY, CONTEXT = 7, 5
ALONE = Processes(torch.device("cpu"))


def language_model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Embedding(VOCABULARY, 6), nn.Tanh(), nn.Linear(6, VOCABULARY)).double()


def padded_batch(lengths: list[int]) -> tuple[Tensor, Tensor]:
    """One row a length; the rest of the row is padding."""
    generator = torch.Generator().manual_seed(len(lengths))
    tokens = torch.randint(VOCABULARY, (len(lengths), CONTEXT), generator=generator)
    targets = torch.randint(VOCABULARY, (len(lengths), CONTEXT), generator=generator)
    for row, length in enumerate(lengths):
        targets[row, length:] = -100
    return tokens, targets


def gradients(
    trainer: LanguageModelTrainer, parts: list[tuple[Tensor, Tensor]]
) -> tuple[list[Tensor], float]:
    trainer.updater.forget_gradients()
    window = next(windows(iter(parts), len(parts), trainer.count_items, ALONE))
    means = accumulate(window, trainer.compute_gradients, loss_scale=1.0)
    found = [parameter.grad for parameter in trainer.model.parameters()]
    return [gradient for gradient in found if gradient is not None], means.means()["loss"]


TRAINER = LanguageModelTrainer(language_model(), TrainingConfig(), device="cpu")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, CONTEXT), min_size=1, max_size=10), st.data())
def test_any_split_gives_the_gradient_and_loss_of_the_whole_batch(lengths: list[int], data: Any) -> None:
    if sum(lengths) == 0:
        lengths = [*lengths, 1]
    tokens, targets = padded_batch(lengths)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(lengths) - 1)), max_size=5)))
    sizes = [end - start for start, end in zip([0, *cuts], [*cuts, len(lengths)], strict=True) if end > start]
    parts = list(zip(tokens.split(sizes), targets.split(sizes), strict=True))
    whole, whole_loss = gradients(TRAINER, [(tokens, targets)])
    split, split_loss = gradients(TRAINER, parts)
    assert split_loss == pytest.approx(whole_loss, rel=1e-6)
    for one, two in zip(split, whole, strict=True):
        assert float((one - two).norm()) <= 1e-6 * float(two.norm()) + 1e-15


def test_the_mean_of_means_would_be_wrong_here() -> None:
    """The very case that the window's weighting is for: without it the test above could not fail."""
    parts = [padded_batch([5, 5]), padded_batch([1])]
    _, loss = gradients(TRAINER, parts)
    separate = [gradients(TRAINER, [part])[1] for part in parts]
    assert loss == pytest.approx((10 * separate[0] + 1 * separate[1]) / 11, rel=1e-12)
    assert abs(loss - sum(separate) / 2) > 1e-3


def test_the_last_window_of_an_epoch_is_applied_though_it_is_smaller() -> None:
    trainer = LanguageModelTrainer(language_model(), TrainingConfig(accumulation_steps=4), device="cpu")
    result = trainer.train([padded_batch([3, 2]) for _ in range(10)])
    assert result.step == 3
    assert trainer.progress.items == 50


def test_batches_of_nothing_but_padding_do_no_harm() -> None:
    trainer = LanguageModelTrainer(language_model(), TrainingConfig(accumulation_steps=2), device="cpu")
    nothing = padded_batch([0, 0])
    result = trainer.train([padded_batch([3, 2]), nothing, nothing, nothing, padded_batch([1])])
    assert (result.step, trainer.progress.items, trainer.guard.num_skipped) == (2, 6, 0)
