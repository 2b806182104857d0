"""Collects the errors of many cases into rows."""

import math
from dataclasses import dataclass, field
from typing import Literal

from mlmodels.gradient_checks.report import GradientRow

GOALS = {"float64": 1e-9, "float32": 1e-5}

# bfloat16 keeps 8 bits. Autograd rounds between its kernels too, only elsewhere than we do: the goal is its
# own worst error over the same cases, times a small factor (the worst of few cases is noisy;
# with 1,000 every row stayed within 2), and never below the rounding of the result itself.
BFLOAT16_FACTOR = 4.0
BFLOAT16_ROUNDING = 2.0**-8


@dataclass
class Tally:
    """Worst errors of one tensor in one dtype so far."""

    num_cases: int = 0
    worst_error: float = 0.0
    worst_case: str = ""
    autograd_error: float = 0.0
    num_difference_cases: int = 0
    difference_error: float = 0.0

    def add(self, error: float, autograd_error: float, case: str) -> None:
        """Count a case against autograd."""
        assert not math.isnan(error), "errors are numbers or inf"
        self.num_cases += 1
        self.autograd_error = max(self.autograd_error, autograd_error)
        if error > self.worst_error or not self.worst_case:
            self.worst_error, self.worst_case = error, case

    def add_difference(self, error: float) -> None:
        """Count a case against central differences."""
        assert not math.isnan(error), "errors are numbers or inf"
        self.num_difference_cases += 1
        self.difference_error = max(self.difference_error, error)

    def goal(self, dtype: str) -> float:
        """The goal of a dtype; in bfloat16 it depends on what autograd reached."""
        if dtype in GOALS:
            return GOALS[dtype]
        return max(BFLOAT16_FACTOR * self.autograd_error, BFLOAT16_ROUNDING)


@dataclass
class Tallies:
    """The tallies of one op, or of the model, by (tensor, dtype)."""

    by_key: dict[tuple[str, str], Tally] = field(default_factory=dict)

    def of(self, tensor: str, dtype: str) -> Tally:
        """The tally of a tensor in a dtype, made when first asked for."""
        return self.by_key.setdefault((tensor, dtype), Tally())

    def rows(self, subject: Literal["op", "model"], name: str) -> list[GradientRow]:
        """One row a tally."""
        return [
            GradientRow(
                subject=subject,
                name=name,
                tensor=tensor,
                dtype=dtype,
                num_cases=tally.num_cases,
                worst_error=tally.worst_error,
                autograd_error=tally.autograd_error,
                difference_error=tally.difference_error if tally.num_difference_cases else None,
                num_difference_cases=tally.num_difference_cases,
                goal=tally.goal(dtype),
                worst_case=tally.worst_case,
            )
            for (tensor, dtype), tally in self.by_key.items()
        ]
