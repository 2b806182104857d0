"""The result of a test of significance, the same for every test."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mlcore.statistics.values import Alternative, Interval, interval_text, p_text

_WORTH_SAYING = 1e-3  # a smallest attainable p-value below this limits nobody


@dataclass(frozen=True, kw_only=True)
class SignificanceTest:
    """What a test found out about first - second.

    Attributes:
        test: its name.
        n: pairs, or for two separate samples the values of each.
        difference: mean of the first minus mean of the second; None when a value is not finite.
        interval: of the difference, at `confidence`; None for tests that have none.
        statistic: t, W, the mean difference; what it is stands in `method`.
        degrees_of_freedom: for t tests.
        p_value: None when the question cannot be answered.
        smallest_p_value: what this test could reach at best with so many values; None when any value can be.
        alternative: two-sided, or the difference greater or less than 0.
        method: how it was computed, with its source.
        reason: why the p-value is None.
    """

    test: str
    n: int | tuple[int, int]
    difference: float | None = None
    interval: Interval | None = None
    confidence: float = 0.95
    statistic: float | None = None
    degrees_of_freedom: float | None = None
    p_value: float | None = None
    smallest_p_value: float | None = None
    alternative: Alternative = "two-sided"
    method: str = ""
    reason: str | None = None

    @property
    def p_text(self) -> str:
        """`p = 0.0123`, or `no p-value: REASON`."""
        return f"no p-value: {self.reason}" if self.p_value is None else p_text(self.p_value)

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        size = " and ".join(str(n) for n in self.n) if isinstance(self.n, tuple) else str(self.n)
        difference = "" if self.difference is None else f"difference {self.difference:.4g}"
        difference += interval_text(self.interval, self.confidence)
        is_limited = self.smallest_p_value is not None and self.smallest_p_value > _WORTH_SAYING
        at_best = f" (at best {self.smallest_p_value:.3g})" if is_limited else ""
        parts = [difference, f"{self.p_text}{at_best}", f"n = {size}"]
        return f"{self.test}: {', '.join(part for part in parts if part)}"
