"""Runs every check, prints the table, and says whether anything failed."""

from collections.abc import Callable, Iterable, Sequence

from mlcore.doctor.check_result import CheckResult
from mlcore.doctor.environment_checks import ENVIRONMENT_CHECKS
from mlcore.doctor.matmul_rate import measure_matmul_rate
from mlcore.doctor.op_battery import run_battery, summarise
from mlcore.doctor.operations import Operation, standard_operations

_STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "failed": "bold red"}


def check_arithmetic(operations: Sequence[Operation] | None = None) -> list[CheckResult]:
    """The battery of operations on the best device, in float32 and in bf16."""
    import torch

    from mlcore.device import get_best_device

    operations = standard_operations() if operations is None else operations
    device = get_best_device()
    rows = []
    for dtype, name in ((torch.float32, "float32"), (torch.bfloat16, "bf16")):
        comparisons = run_battery(operations, device, dtype)
        if comparisons:
            rows.append(summarise(comparisons, f"arithmetic, {name}, {device.type}"))
    return rows


def examine(
    checks: Iterable[Callable[[], CheckResult]] = ENVIRONMENT_CHECKS,
    operations: Sequence[Operation] | None = None,
) -> list[CheckResult]:
    """Every check; one that breaks down counts as failed and does not keep the others from running."""
    results = [_guarded(check) for check in checks]
    try:
        results += check_arithmetic(operations)
    except Exception as error:  # a device so broken that it cannot even be tried
        results.append(CheckResult("arithmetic", "failed", f"{type(error).__name__}: {error}"))
    results.append(_guarded(measure_matmul_rate))
    return results


def _guarded(check: Callable[[], CheckResult]) -> CheckResult:
    try:
        return check()
    except Exception as error:
        name = check.__name__.removeprefix("check_").removeprefix("measure_")
        return CheckResult(name, "failed", f"{type(error).__name__}: {error}")


def print_results(results: Sequence[CheckResult]) -> None:
    """The table, and one line of verdict."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("check", "", "what was found")
    for result in results:
        table.add_row(result.name, Text(result.status, style=_STYLES[result.status]), Text(result.detail))
    console = Console()
    console.print(table)
    num_failed = sum(result.status == "failed" for result in results)
    verdict = f"{num_failed} of {len(results)} checks failed" if num_failed else "fit to train"
    console.print(verdict, style="bold red" if num_failed else "green", highlight=False)


def main() -> int:
    """Examine this machine; 0 when nothing failed, 1 otherwise."""
    results = examine()
    print_results(results)
    return int(any(result.status == "failed" for result in results))
