"""Run all gradient checks: every op that is found, every parameter of the model."""

import time
from collections.abc import Callable, Sequence
from typing import Literal

import torch

from mlmodels.custom_transformer.fast.kernels import choose_kernels
from mlmodels.gradient_checks.model_checks import MODEL_NAMES, check_model
from mlmodels.gradient_checks.op_checks import DTYPES, check_op, discover_ops
from mlmodels.gradient_checks.report import GradientReport, GradientRow
from mlmodels.native import NativeUnavailableError


def run_gradient_report(
    num_cases: int = 1000,
    dtypes: Sequence[str] = DTYPES,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> GradientReport:
    """Check every op in `num_cases` random cases and the whole model in a fifth as many (differences: a
    fiftieth), by the ops and, where its kernels can be had, by the fast path.

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
    names, paths = list(discover_ops()), model_paths()
    rows: list[GradientRow] = []
    for done, name in enumerate(names):
        _tell(progress, name, done, len(names) + len(paths))
        rows += check_op(name, num_cases=num_cases, dtypes=dtypes, seed=seed)
    total = len(names) + len(paths)
    for done, kernels in enumerate(paths, start=len(names)):
        _tell(progress, MODEL_NAMES[kernels], done, total)
        rows += check_model(
            num_cases=max(20, num_cases // 5),
            num_difference_cases=max(4, num_cases // 50),
            dtypes=dtypes,
            seed=seed,
            kernels=kernels,
        )
    _tell(progress, "done", total, total)
    return GradientReport(tuple(rows), num_cases, seed, time.perf_counter() - started, str(torch.__version__))


def model_paths() -> list[Literal["reference", "fast"]]:
    """The ways in which the whole model can be computed on this machine."""
    try:
        choose_kernels(torch.device("cpu"), torch.float64)
    except NativeUnavailableError:
        return ["reference"]
    return ["reference", "fast"]


def _tell(progress: Callable[[str, int, int], None] | None, what: str, done: int, total: int) -> None:
    if progress is not None:
        progress(what, done, total)
