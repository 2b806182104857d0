"""The outcome of one check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class CheckResult:
    """One row of the report.

    Attributes:
        name: which check, as one word: "labels", "learnable_relation".
        status: "failed" is a fault of the subject; "skipped" says nothing about it.
        measured: what was found, in one line.
        expected: what a healthy subject shows, in one line.
        advice: where to look; empty unless it failed.
        seconds: how long it took.
        details: the numbers behind ``measured``, fit for JSON.
    """

    name: str
    status: Status
    measured: str
    expected: str = ""
    advice: str = ""
    seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain containers."""
        return {
            "name": self.name,
            "status": self.status,
            "measured": self.measured,
            "expected": self.expected,
            "advice": self.advice,
            "seconds": self.seconds,
            "details": dict(self.details),
        }


@dataclass(frozen=True)
class Finding:
    """What a check says of itself; the battery adds its name and its time.

    Attributes:
        problems: one entry a fault: what was seen and, after a colon, where to look. None means that it passed.
        measured, expected, details: as in ``CheckResult``.
        skipped: why the check can say nothing; None when it can.
    """

    measured: str
    expected: str = ""
    problems: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    skipped: str | None = None

    def as_result(self, name: str, seconds: float) -> CheckResult:
        """The row of check ``name``."""
        if self.skipped is not None:
            return CheckResult(name, "skipped", self.skipped, self.expected, "", seconds, self.details)
        status: Status = "failed" if self.problems else "passed"
        advice = "; ".join(self.problems)
        return CheckResult(name, status, self.measured, self.expected, advice, seconds, self.details)


def skip(reason: str, expected: str = "") -> Finding:
    """A finding that says nothing."""
    return Finding("", expected, skipped=reason)
