"""BatchNorm over two gloo processes against torch's BatchNorm of the whole batch, gradients included."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from mlcore.trainer import BaseTrainer, ClassificationTrainer, TrainingConfig
from mlcore.trainer.accumulation import UnevenBatchesError
from mlcore.trainer.distributed import connect
from mlcore.trainer.sync_batch_norm import SyncBatchNorm, synchronise_batch_norms
from process_pair import NEEDS_FORK, Series, results
from torch import Tensor, nn

pytestmark = NEEDS_FORK


class ShiftOnly(nn.BatchNorm2d):
    """As some networks have it: without a scale."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, momentum=None)
        self.weight = None


class Scaled(nn.BatchNorm2d):
    """No plain BatchNorm any more."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


KINDS = {
    "two_dimensional": lambda: nn.BatchNorm2d(3, momentum=0.3),
    "shift_only": lambda: ShiftOnly(3),
    "without_statistics": lambda: nn.BatchNorm2d(3, track_running_stats=False),
    "without_parameters": lambda: nn.BatchNorm2d(3, affine=False),
}


def images(num: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Far from zero: a variance from squares in the images' own type would be wrong."""
    chance = torch.Generator().manual_seed(num)
    return (100 + torch.randn(num, 3, 4, 5, generator=chance, dtype=torch.float64)).to(dtype)


def passed(norm: nn.Module, x: Tensor, weights: Tensor) -> dict[str, Any]:
    """Twice forwards and backwards: outputs, gradients, buffers."""
    x = x.requires_grad_()
    for _ in range(2):
        y = norm(x)
        (y * weights).sin().sum().backward()
    assert x.grad is not None
    gradients = {name: parameter.grad.tolist() for name, parameter in norm.named_parameters()}
    buffers = {name: buffer.tolist() for name, buffer in norm.named_buffers()}
    return {"y": y.tolist(), "dx": x.grad.tolist(), "gradients": gradients, "buffers": buffers}


def make_norm(kind: str, dtype: torch.dtype) -> nn.Module:
    norm = KINDS[kind]().to(dtype)
    for number, parameter in enumerate(norm.parameters()):
        nn.init.uniform_(
            parameter, 0.5 + number, 1.5 + number, generator=torch.Generator().manual_seed(number)
        )
    return norm


def exact(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def share(rank: int) -> slice:
    """Of seven images five are the first process's."""
    return slice(0, 5) if rank == 0 else slice(5, 7)


def half_of_the_batch(rank: int, kind: str, dtype_name: str) -> dict[str, Any]:
    dtype = getattr(torch, dtype_name)
    model = nn.Sequential(make_norm(kind, dtype))
    assert synchronise_batch_norms(model, connect("cpu"))
    model = copy.deepcopy(model)  # as averaged weights do it
    return passed(model[0], images(7, dtype)[share(rank)], images(8, dtype)[1:][share(rank)] / 100)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_two_processes_compute_what_one_does_with_the_whole_batch(
    tmp_path: Path, kind: str, dtype: str
) -> None:
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype == "float64" else {"rtol": 2e-4, "atol": 2e-4}
    number = getattr(torch, dtype)
    whole = passed(make_norm(kind, number), images(7, number), images(8, number)[1:] / 100)
    pair = results(tmp_path, half_of_the_batch, kind, dtype)
    for name in ("y", "dx"):
        joined = exact(pair[0][name] + pair[1][name])
        torch.testing.assert_close(joined, exact(whole[name]), **tolerance)
    for name, gradient in whole["gradients"].items():
        summed = exact(pair[0]["gradients"][name]) + exact(pair[1]["gradients"][name])
        torch.testing.assert_close(summed, exact(gradient), **tolerance)
    assert pair[0]["buffers"] == pair[1]["buffers"]
    assert pair[0]["buffers"].keys() == whole["buffers"].keys()
    for name, buffer in whole["buffers"].items():
        torch.testing.assert_close(exact(pair[0]["buffers"][name]), exact(buffer), **tolerance)


def test_only_plain_batch_norms_are_replaced_and_nothing_is_renamed() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(nn.BatchNorm2d(3), Scaled(3)), nn.LayerNorm(3))
    before = model.state_dict(keep_vars=True)
    assert synchronise_batch_norms(model, connect("cpu"))
    assert [type(module) for module in model[1]] == [SyncBatchNorm, Scaled]
    after = model.state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    assert synchronise_batch_norms(model, connect("cpu")), "a second trainer of the same model knows it, too"
    assert not synchronise_batch_norms(nn.Sequential(nn.Linear(2, 2)), connect("cpu"))
    with pytest.raises(ValueError, match="4D"):
        model[1][0](torch.zeros(2, 3))


# ---------------------------------------------------------------- in training


def small_network() -> nn.Module:
    torch.manual_seed(0)
    body = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(24, 5)]
    return nn.Sequential(*body).double()


def labelled(count: int, batch_size: int) -> list[tuple[Tensor, Tensor]]:
    inputs, labels = images(count), torch.arange(count) % 5
    return list(zip(inputs.split(batch_size), labels.split(batch_size), strict=True))


def fit(batches: list[tuple[Tensor, Tensor]], **options: Any) -> dict[str, Any]:
    series = Series()
    config = TrainingConfig(epochs=3, optimizer="sgd", learning_rate=0.1, ema_decay=0.5, **options)
    trainer: BaseTrainer = ClassificationTrainer(small_network(), config, device="cpu", callbacks=[series])
    trainer.train(batches, batches)
    return {"losses": series.losses, "val": [entry["val"]["loss"] for entry in trainer.progress.history]}


def half_of_each_batch(rank: int, synchronised: bool) -> dict[str, Any]:
    halves = [tuple(part[rank::2] for part in batch) for batch in labelled(24, 8)]
    return fit(halves, sync_batch_norm=synchronised)


def test_a_network_with_batch_norm_trains_on_two_processes_as_on_one(tmp_path: Path) -> None:
    alone = fit(labelled(24, 8))
    first, second = results(tmp_path / "together", half_of_each_batch, True)
    assert first == second
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-9)
    assert first["val"] == pytest.approx(alone["val"], rel=1e-9)
    apart, _ = results(tmp_path / "apart", half_of_each_batch, False)
    assert apart["losses"][0] != pytest.approx(alone["losses"][0], rel=1e-4), (
        "statistics of half a batch differ"
    )


def one_batch_less(rank: int) -> str:
    try:
        fit(labelled(24, 4)[rank:], accumulation_steps=3)
    except UnevenBatchesError as error:
        return str(error)
    return ""


def test_unequal_numbers_of_batches_are_an_error_in_both_and_not_a_wait(tmp_path: Path) -> None:
    for message in results(tmp_path, one_batch_less):
        assert message.startswith("the processes have 3, 2 batches for one update")
        assert "training.sync_batch_norm to false" in message
