"""What pruning did to a classifier: one row an amount, as table, figure and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

from mlcore.image_classification.narrowing import NarrowModel
from mlcore.pruning.masks import Sparsity
from mlcore.statistics.proportions import ProportionInterval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY = "#2b6cb0", "#c2570c", "0.55"


@dataclass(frozen=True)
class PrunedModel:
    """One run.

    Attributes:
        run: its folder's name.
        amount: what was to be taken out; 0 for the model as it was.
        sparsity: of its best weights.
        before: accuracy of the whole model on the validation images.
        after: without what was pruned, before training on.
        tuned: after training on.
        narrow: the network without the filters, where they were pruned and it can be built.
    """

    run: str
    amount: float
    sparsity: Sparsity
    before: ProportionInterval
    after: ProportionInterval
    tuned: ProportionInterval
    narrow: NarrowModel | None = None

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "share_of_zero_weights": self.sparsity.share}


def pruning_table(found: Sequence[PrunedModel], what: str) -> Table:
    """Amounts by row, the whole model first."""
    table = Table(title=f"pruning: {what}", title_justify="left", header_style="bold")
    table.add_column("amount")
    for heading in ("zero weights", "non-zero parameters", "before", "pruned", "trained on"):
        table.add_column(heading, justify="right")
    for one in found:
        cells = [f"{one.sparsity.share:.1%}", f"{one.sparsity.num_nonzero:,}", _shown(one.before)]
        more = ["", ""] if one.amount == 0 else [_shown(one.after), _shown(one.tuned)]
        table.add_row("–" if one.amount == 0 else f"{one.amount:g}", *cells, *more)
    total = found[0].sparsity.num_weights
    table.caption = (
        f"accuracy on {found[0].before.n:,} validation images [95 % interval]; shares of {total:,} weights.\n"
        "Zeros are multiplied like other numbers: they save no time by themselves."
    )
    table.caption_justify = "left"
    return table


def narrow_table(found: Sequence[PrunedModel]) -> Table | None:
    """The networks that are smaller, beside the ones of the same weights that are not; None where there are none."""
    rows = [(one, one.narrow) for one in found if one.narrow is not None]
    if not rows:
        return None
    table = Table(title="without the pruned filters", title_justify="left", header_style="bold")
    table.add_column("amount")
    for heading in ("parameters", "MFLOP an image", "of before", "images/s", "before", "times as fast"):
        table.add_column(heading, justify="right")
    for one, small in rows:
        table.add_row(
            f"{one.amount:g}",
            f"{small.num_parameters:,}",
            f"{small.flops / 1e6:,.2f}",
            f"{small.flops / small.flops_before:.1%}",
            f"{small.images_per_s:,.0f}",
            f"{small.images_per_s_before:,.0f}",
            f"{small.images_per_s / small.images_per_s_before:.2f}",
        )
    table.caption = (
        f"forward passes; the same outputs. {rows[0][1].file} of each run can be judged and exported"
    )
    table.caption_justify = "left"
    return table


def draw_pruning(found: Sequence[PrunedModel]) -> Figure:
    """Accuracy over the share of zero weights, right after pruning and after training on."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    whole, *pruned = found
    shares = [one.sparsity.share for one in pruned]
    for label, colour, of in (
        ("pruned", _ORANGE, [one.after for one in pruned]),
        ("pruned and trained on", _BLUE, [one.tuned for one in pruned]),
    ):
        values, lows, highs = zip(*(_numbers(one) for one in of), strict=True)
        axes.plot(shares, values, "o-", color=colour, label=label)
        axes.vlines(shares, lows, highs, color=colour, alpha=0.5)
    value, low, high = _numbers(whole.before)
    axes.axhline(value, color=_GREY, linestyle="--", label="as it was")
    axes.axhspan(low, high, color=_GREY, alpha=0.15, linewidth=0)
    for formatter in (axes.xaxis, axes.yaxis):
        formatter.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("zero weights")
    axes.set_ylabel("validation accuracy")
    axes.grid(color="0.93")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def _shown(interval: ProportionInterval) -> str:
    value, low, high = _numbers(interval)
    return f"{value:.2%} [{low:.1%}, {high:.1%}]"


def _numbers(interval: ProportionInterval) -> tuple[float, float, float]:
    """The proportion and its bounds; there were images."""
    assert interval.proportion is not None
    assert interval.low is not None
    assert interval.high is not None
    return interval.proportion, interval.low, interval.high
