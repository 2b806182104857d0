"""Models against a baseline: one row a model, and the table of all rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlcore.statistics.effect_sizes import EffectSize
from mlcore.statistics.significance import SignificanceTest
from mlcore.statistics.summary import Summary
from mlcore.statistics.values import p_text

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS = ("model", "n", "mean ± sd", "difference", "interval", "p", "p (Holm)", "effect", "verdict")


@dataclass(frozen=True)
class Comparison:
    """One model against the baseline; differences are model - baseline.

    Attributes:
        model, baseline: their names.
        summary, baseline_summary: of all their values.
        test: the test of the difference: paired where two seeds or more are shared, else Welch's.
        sign_flip: the permutation test of the same pairs, which assumes nothing and shows how little so few seeds
            can prove; None for separate samples.
        effect: d_z of the pairs, or Hedges' g.
        p_adjusted: the p-value adjusted by Holm for all comparisons of the table; None without a p-value.
        verdict: better, worse, no difference shown, or not tested.
        note: what the numbers do not say: which seeds were left out, why nothing was tested.
    """

    model: str
    baseline: str
    summary: Summary
    baseline_summary: Summary
    test: SignificanceTest
    sign_flip: SignificanceTest | None
    effect: EffectSize
    p_adjusted: float | None = None
    verdict: str = "not tested"
    note: str | None = None

    @property
    def is_paired(self) -> bool:
        """Whether values of the same seed were compared."""
        return self.sign_flip is not None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {**asdict(self), "effect": self.effect.as_dict(), "is_paired": self.is_paired}

    def __str__(self) -> str:
        adjusted = "" if self.p_adjusted is None else f", Holm {p_text(self.p_adjusted)}"
        note = "" if self.note is None else f" ({self.note})"
        return f"{self.model} vs {self.baseline}: {self.verdict}; {self.test}{adjusted}; {self.effect}{note}"

    def cells(self) -> tuple[str, ...]:
        """The row of the table, as text."""
        test = self.test
        return (
            self.model,
            str(self.summary.n),
            _mean(self.summary),
            "–" if test.difference is None else f"{test.difference:+.4g}",
            "–" if test.interval is None else f"[{test.interval[0]:+.3g}, {test.interval[1]:+.3g}]",
            "–" if test.p_value is None else f"{test.p_value:.3g}",
            "–" if self.p_adjusted is None else f"{self.p_adjusted:.3g}",
            "–" if self.effect.value is None else f"{self.effect.name} {self.effect.value:+.2f}",
            self.verdict,
        )


@dataclass(frozen=True)
class ComparisonTable:
    """Every model against one baseline.

    Attributes:
        metric: what was measured.
        higher_is_better: which way the verdicts go.
        alpha: the chance of any wrong verdict in the table, at most.
        baseline_summary: of the baseline's values.
        rows: one comparison a model.
    """

    metric: str
    baseline: str
    baseline_summary: Summary
    alpha: float
    higher_is_better: bool
    rows: tuple[Comparison, ...]

    def __getitem__(self, model: str) -> Comparison:
        return {row.model: row for row in self.rows}[model]

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {**asdict(self), "rows": [row.as_dict() for row in self.rows]}

    def __str__(self) -> str:
        counts = [
            f"{sum(row.verdict == verdict for row in self.rows)} {verdict}"
            for verdict in dict.fromkeys(row.verdict for row in self.rows)
        ]
        found = ", ".join(counts) or "nothing to compare"
        return f"{self.metric} against {self.baseline}, alpha {self.alpha:g} after Holm: {found}"

    def markdown(self) -> str:
        """The table in Markdown, the baseline first."""
        lines = [
            _COLUMNS,
            ("---",) * len(_COLUMNS),
            self._baseline_cells(),
            *(row.cells() for row in self.rows),
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def table(self) -> Table:
        """The table for `rich.print`."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title=str(self), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in _COLUMNS:
            table.add_column(name, no_wrap=name in ("p", "p (Holm)", "n"))
        for cells in (self._baseline_cells(), *(row.cells() for row in self.rows)):
            table.add_row(*(Text(cell) for cell in cells))
        return table

    def _baseline_cells(self) -> tuple[str, ...]:
        summary = self.baseline_summary
        return (self.baseline, str(summary.n), _mean(summary), "", "", "", "", "", "baseline")


def _mean(summary: Summary) -> str:
    if summary.mean is None:
        return summary.reason or "–"
    return f"{summary.mean:.5g}" + ("" if summary.sd is None else f" ± {summary.sd:.2g}")
