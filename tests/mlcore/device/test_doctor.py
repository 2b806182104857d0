"""The doctor passes a healthy machine and finds planted faults."""

from typing import Any

import pytest
import torch
from mlcore.doctor import examination
from mlcore.doctor.check_result import CheckResult
from mlcore.doctor.environment_checks import (
    ENVIRONMENT_CHECKS,
    check_memory,
    check_python,
    check_threads,
    check_torch,
    check_torchvision,
)
from mlcore.doctor.matmul_rate import measure_matmul_rate
from mlcore.doctor.op_battery import run_battery, summarise
from mlcore.doctor.operations import Operation, standard_operations
from torch import Tensor


def names_of_failures(operations: list[Operation], dtype: torch.dtype = torch.float32) -> list[str]:
    return [c.name for c in run_battery(operations, "cpu", dtype) if not c.passed]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_operation_is_right_on_the_cpu(dtype: torch.dtype) -> None:
    operations = standard_operations()
    comparisons = run_battery(operations, "cpu", dtype)
    assert len(comparisons) >= 25
    assert [c for c in comparisons if not c.passed] == []
    assert any(c.forward_error > 0 for c in comparisons)  # it compares something with something else


def test_float64_against_itself_has_no_error_at_all() -> None:
    comparisons = run_battery(standard_operations(), "cpu", torch.float64)
    assert {(c.forward_error, c.backward_error) for c in comparisons} == {(0.0, 0.0)}


class WrongGradient(torch.autograd.Function):
    """tanh whose gradient in float32 is wrong by a part in a thousand, as on a faulty device."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x.tanh())
        return x.tanh()

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        error = 1.001 if y.dtype is torch.float32 else 1.0
        return dy * (1 - y * y) * error


def wrong_forward(x: Tensor) -> Tensor:
    return x.exp() * (1.001 if x.dtype is torch.float32 else 1.0)


def not_a_number(x: Tensor) -> Tensor:
    return x * (float("nan") if x.dtype is torch.float32 else 1.0)


def not_implemented(x: Tensor) -> Tensor:
    if x.dtype is torch.float32:
        raise NotImplementedError("no kernel for it on this device\nand a long tail")
    return x


def detached_gradient(x: Tensor) -> Tensor:
    return x.square() if x.dtype is not torch.float32 else x.detach() * x


PLANTED = [
    Operation("wrong gradient", WrongGradient.apply, ((4, 5),)),
    Operation("wrong forward", wrong_forward, ((4, 5),)),
    Operation("not a number", not_a_number, ((4, 5),)),
    Operation("not implemented", not_implemented, ((4, 5),)),
    Operation("half a gradient", detached_gradient, ((4, 5),)),
]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda operation: operation.name)
def test_a_planted_wrong_operation_is_found_among_the_right_ones(planted: Operation) -> None:
    assert names_of_failures([*standard_operations(), planted]) == [planted.name]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda operation: operation.name)
def test_a_wrong_operation_makes_the_exit_code_1_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], planted: Operation
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(examination, "standard_operations", lambda: [standard_operations()[0], planted])
    monkeypatch.setattr(examination.examine, "__defaults__", ((), None))  # the arithmetic alone
    assert examination.main() == 1
    output = capsys.readouterr().out
    assert planted.name in output
    assert "1 of 3 checks failed" in output


def test_a_healthy_machine_gets_exit_code_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    healthy = [
        check for check in ENVIRONMENT_CHECKS if check is not check_torchvision
    ]  # has a test of its own
    monkeypatch.setattr(examination.examine, "__defaults__", (tuple(healthy), None))
    assert examination.main() == 0
    output = capsys.readouterr().out
    for expected in ("Python", "torch", "device", "memory", "disk", "OMP_NUM_THREADS", "CPU bf16", "GFLOP/s"):
        assert expected in output
    assert "fit to train" in output


def test_a_check_that_breaks_down_is_a_failure_and_the_others_still_run() -> None:
    def check_broken() -> CheckResult:
        raise OSError("the driver is gone")

    results = examination.examine([check_broken, check_python], [])
    assert (results[0].name, results[0].status) == ("broken", "failed")
    assert "the driver is gone" in results[0].detail
    assert results[1].status == "ok"


def test_torchvision_is_tried_in_a_child() -> None:
    assert check_torchvision().status in {"ok", "note"}


@pytest.mark.parametrize(
    ("probe", "status", "detail"),
    [
        ("raise RuntimeError('operator torchvision::nms does not exist')", "failed", "nms does not exist"),
        ("import os; os.abort()", "failed", "its process ended with -6"),
        ("print('absent')", "note", "not installed"),
        ("print('0.29.2')", "ok", "0.29.2"),
    ],
)
def test_a_torchvision_that_does_not_fit_fails_without_taking_us_along(
    probe: str, status: str, detail: str
) -> None:
    result = check_torchvision(probe)
    assert result.status == status
    assert detail in result.detail


def test_too_old_a_torch_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.9.1")
    assert check_torch().status == "failed"
    monkeypatch.setattr(torch, "__version__", "2.11.0a0+git123")
    assert check_torch().status == "ok"


def test_more_threads_than_cores_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 10_000)
    result = check_threads()
    assert result.status == "warning"
    assert "set OMP_NUM_THREADS=" in result.detail


def test_little_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.doctor.environment_checks.LOW_MEMORY_GIB", 1e9)
    assert check_memory().status == "warning"


def test_the_matmul_rate_is_information() -> None:
    result = measure_matmul_rate(size=32, seconds=0.01)
    assert result.status == "note"
    assert "GFLOP/s" in result.detail


def test_the_summary_names_the_failures_and_counts_the_rest() -> None:
    comparisons = run_battery([PLANTED[1]] * 7, "cpu", torch.float32)
    result = summarise(comparisons, "arithmetic")
    assert result.status == "failed"
    assert result.detail.startswith("7 of 7 wrong: wrong forward (forward 1.0e-03")
    assert result.detail.endswith("and 2 more")


@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm_has_right_gradients_with_and_without_weight_and_bias(affine: bool) -> None:
    torch.manual_seed(0)
    norm = torch.nn.LayerNorm(6, elementwise_affine=affine).double()
    inputs = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, (inputs,))
    assert torch.autograd.gradcheck(lambda x: torch.nn.functional.layer_norm(x, (6,)), (inputs,))


@pytest.mark.parametrize("affine", [True, False])
def test_a_model_with_either_layer_norm_trains(affine: bool) -> None:
    torch.manual_seed(0)
    norm = torch.nn.LayerNorm(8, elementwise_affine=affine)
    first, last = torch.nn.Linear(4, 8), torch.nn.Linear(8, 1)
    model = torch.nn.Sequential(first, norm, torch.nn.Tanh(), last)
    inputs = torch.randn(64, 4)
    targets = inputs[:, :1] * inputs[:, 1:2]
    losses = []
    for _ in range(200):
        loss = (model(inputs) - targets).square().mean()
        model.zero_grad()
        loss.backward()
        assert first.weight.grad is not None
        assert first.weight.grad.abs().sum() > 0  # gradients reach below the norm
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter -= 0.1 * parameter.grad
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
