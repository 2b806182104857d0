"""Run all gradient checks: every op that is found, every parameter of the model."""

import time
from collections.abc import Callable, Sequence

import torch

from mlmodels.gradient_checks.model_checks import check_model
from mlmodels.gradient_checks.op_checks import DTYPES, check_op, discover_ops
from mlmodels.gradient_checks.report import GradientReport, GradientRow


def run_gradient_report(
    num_cases: int = 1000,
    dtypes: Sequence[str] = DTYPES,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> GradientReport:
    """Check every op in `num_cases` random cases and the whole model in a fifth as many (differences: a
    fiftieth).

    `progress(what, done, total)` is called before each op and the model, and once at the end. The result is a
    function of (num_cases, dtypes, seed) and the torch build alone. Raises ValueError for an unknown dtype or
    no cases, and
    UncoveredGradientError where an op, an input or a parameter would go unchecked.
    """
    unknown = [dtype for dtype in dtypes if dtype not in DTYPES]
    if unknown or not dtypes:
        raise ValueError(f"dtype {unknown[0] if unknown else '(none)'} is not one of {', '.join(DTYPES)}")
    if num_cases < 1:
        raise ValueError(f"num_cases {num_cases} must be 1 or above")
    started = time.perf_counter()
    names = list(discover_ops())
    rows: list[GradientRow] = []
    for done, name in enumerate(names):
        _tell(progress, name, done, len(names) + 1)
        rows += check_op(name, num_cases=num_cases, dtypes=dtypes, seed=seed)
    _tell(progress, "custom_transformer", len(names), len(names) + 1)
    num_model_cases = max(20, num_cases // 5)
    num_differences = max(4, num_cases // 50)
    rows += check_model(
        num_cases=num_model_cases, num_difference_cases=num_differences, dtypes=dtypes, seed=seed
    )
    _tell(progress, "done", len(names) + 1, len(names) + 1)
    return GradientReport(tuple(rows), num_cases, seed, time.perf_counter() - started, str(torch.__version__))


def _tell(progress: Callable[[str, int, int], None] | None, what: str, done: int, total: int) -> None:
    if progress is not None:
        progress(what, done, total)
