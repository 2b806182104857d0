"""The result of the gradient checks: rows, JSON, a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class GradientRow:
    """One input of one op, or one parameter of the model, in one dtype.

    worst_error: largest relative error against float64 autograd on the same (rounded) inputs: the true error,
    sharper than a
        comparison with autograd in the same dtype, whose own error would be mixed in.
    autograd_error: autograd's own worst error in this dtype against the same reference (0 in float64: there
    it is
        the reference).
    difference_error: worst error against central differences; None outside float64, where differences are
    noise.
    goal: what worst_error and difference_error must not exceed. worst_case: the case behind worst_error.
    """

    subject: Literal["op", "model"]
    name: str
    tensor: str
    dtype: str
    num_cases: int
    worst_error: float
    autograd_error: float
    difference_error: float | None
    num_difference_cases: int
    goal: float
    worst_case: str

    @property
    def passed(self) -> bool:
        """Whether both errors stay within the goal. A row without a case has proven nothing."""
        differences_pass = self.difference_error is None or self.difference_error <= self.goal
        return self.num_cases > 0 and self.worst_error <= self.goal and differences_pass


@dataclass(frozen=True)
class GradientReport:
    """All rows, and what they were made with."""

    rows: tuple[GradientRow, ...]
    num_cases: int
    seed: int
    seconds: float
    torch_version: str

    @property
    def passed(self) -> bool:
        """Whether there are rows and every one passed."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    @property
    def failures(self) -> tuple[GradientRow, ...]:
        """The rows that did not pass."""
        return tuple(row for row in self.rows if not row.passed)

    def worst(self, dtype: str) -> float:
        """The largest error of all rows in a dtype, against autograd."""
        return max(row.worst_error for row in self.rows if row.dtype == dtype)

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, for JSON and templates; non-finite errors become None."""
        rows = [
            {key: _finite(value) for key, value in asdict(row).items()} | {"passed": row.passed}
            for row in self.rows
        ]
        return {
            "schema": 1,
            "passed": self.passed,
            "num_cases": self.num_cases,
            "seed": self.seed,
            "seconds": self.seconds,
            "torch_version": self.torch_version,
            "rows": rows,
        }

    def to_json(self) -> str:
        """`to_dict` as strict JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def to_table(self) -> str:
        """A table in plain text, one line a row, and a last line that sums up."""
        header = ["subject", "tensor", "dtype", "cases", "error", "autograd's own", "differences", "goal", ""]
        lines = [_line(row) for row in self.rows]
        verdict = f"{len(self.rows) - len(self.failures)} of {len(self.rows)} rows pass"
        return "\n".join([*_aligned([header, *lines]), "", f"{verdict} ({self.seconds:.0f} s)"])


def _line(row: GradientRow) -> list[str]:
    differences = "" if row.difference_error is None else f"{row.difference_error:.1e}"
    errors = [f"{row.worst_error:.1e}", f"{row.autograd_error:.1e}", differences, f"{row.goal:.1e}"]
    return [row.name, row.tensor, row.dtype, str(row.num_cases), *errors, "ok" if row.passed else "FAILED"]


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and value - value != 0.0 else value
