"""Compares operations on a device, forwards and backwards, with the same ones in float64 on the CPU.

Devices do get arithmetic wrong: a wrong gradient on one backend costs days, since the model still learns,
only worse.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlcore.doctor.check_result import CheckResult
from mlcore.doctor.operations import Operation

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Comparison:
    """How far one operation is off, as a share of the largest magnitude of the float64 result; or why it did
    not run."""

    name: str
    forward_error: float
    backward_error: float
    tolerance: float
    problem: str | None = None

    @property
    def passed(self) -> bool:
        """Both errors within tolerance; NaN is not."""
        return self.problem is None and max(self.forward_error, self.backward_error) <= self.tolerance


def run_battery(
    operations: Sequence[Operation], device: "torch.device | str", dtype: "torch.dtype", *, seed: int = 0
) -> list[Comparison]:
    """Try every operation in ``dtype`` on ``device``; in bf16 those that offer it."""
    import torch

    tolerances = [op.bf16 if dtype is torch.bfloat16 else op.float32 for op in operations]
    with _exact_float32():
        return [
            _compare(operation, torch.device(device), dtype, tolerance, seed)
            for operation, tolerance in zip(operations, tolerances, strict=True)
            if tolerance is not None
        ]


@contextlib.contextmanager
def _exact_float32() -> Iterator[None]:
    """TF32 off: it is a choice of speed over digits, not a fault of the device."""
    import torch

    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def _compare(
    operation: Operation, device: "torch.device", dtype: "torch.dtype", tolerance: float, seed: int
) -> Comparison:
    import torch

    inputs = _make_inputs(operation, dtype, seed)
    try:
        ours = _run(operation, [tensor.to(device) for tensor in inputs], seed)
    except (RuntimeError, NotImplementedError) as error:
        return Comparison(operation.name, float("nan"), float("nan"), tolerance, str(error).splitlines()[0])
    exact = _run(operation, [tensor.to(torch.float64) for tensor in inputs], seed)
    errors = [_relative_error(a, b) for a, b in zip(ours, exact, strict=True)]
    return Comparison(operation.name, errors[0], _largest(errors[1:]), tolerance)


def _make_inputs(operation: Operation, dtype: "torch.dtype", seed: int) -> "list[Tensor]":
    """The inputs on the CPU, rounded to ``dtype``, so that both sides start from the same numbers."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    inputs = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in operation.shapes]
    if operation.positive:
        inputs = [tensor.square() + 0.5 for tensor in inputs]
    return [tensor.to(dtype) for tensor in inputs]


def _run(operation: Operation, inputs: "list[Tensor]", seed: int) -> "list[Tensor]":
    """The output, and the gradient of every input for a fixed random gradient of the output."""
    import torch

    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    output = operation.function(*leaves)
    generator = torch.Generator().manual_seed(seed + 1)
    weights = torch.randn(output.shape, generator=generator, dtype=torch.float64).to(torch.bfloat16)
    output.backward(weights.to(device=output.device, dtype=output.dtype))
    gradients = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    return [output.detach(), *gradients]


def _relative_error(ours: "Tensor", exact: "Tensor") -> float:
    difference = (ours.detach().cpu().double() - exact).abs().max().item()
    return difference / max(exact.abs().max().item(), 1e-6)


def _largest(errors: list[float]) -> float:
    """The largest error; NaN if any is NaN, which ``max`` would hide."""
    return float("nan") if any(error != error for error in errors) else max(errors)


def summarise(comparisons: Sequence[Comparison], title: str) -> CheckResult:
    """One row for the doctor's table: how many passed, the worst one, every failure by name."""
    failures = [comparison for comparison in comparisons if not comparison.passed]
    if failures:
        names = "; ".join(_describe(comparison) for comparison in failures[:5])
        more = f" and {len(failures) - 5} more" if len(failures) > 5 else ""
        return CheckResult(title, "failed", f"{len(failures)} of {len(comparisons)} wrong: {names}{more}")
    worst = max(comparisons, key=lambda c: max(c.forward_error, c.backward_error) / c.tolerance)
    return CheckResult(
        title, "ok", f"{len(comparisons)} forwards and backwards as in float64; worst: {_describe(worst)}"
    )


def _describe(comparison: Comparison) -> str:
    if comparison.problem is not None:
        return f"{comparison.name}: {comparison.problem}"
    return (
        f"{comparison.name} (forward {comparison.forward_error:.1e}, "
        f"backward {comparison.backward_error:.1e}, allowed {comparison.tolerance:.0e})"
    )
