"""The outcome of one check."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "warning", "failed"]


@dataclass(frozen=True)
class CheckResult:
    """One row of the doctor's table. Only "failed" makes the doctor's exit code 1."""

    name: str
    status: Status
    detail: str
