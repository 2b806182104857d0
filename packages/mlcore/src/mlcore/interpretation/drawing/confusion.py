"""The confusion matrix, drawn so that the mistakes can be seen beside the many right answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mlcore.interpretation.drawing.page import (
    BODY_WIDTH,
    INK,
    PAPER,
    SOFT,
    TEXT_SIZE,
    Page,
    framed,
    percent,
    shortened,
)
from mlcore.interpretation.errors import InterpretationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MOST_WITH_NUMBERS = 20
RIGHT = "#eceae6"  # the diagonal: many, and not what one looks for
CHARACTER = 0.088  # inches
RECALL_WIDTH = 0.8
TOP = 0.12
SUBTITLE = (
    "Grey: right answers. The darker the orange, the larger the share of the true class that went there."
)


def draw_confusion(
    confusion: Tensor | NDArray[Any] | Sequence[Sequence[int]],
    classes: Sequence[str],
    *,
    title: str | None = None,
    subtitle: str = SUBTITLE,
) -> Figure:
    """Rows are true classes, columns predicted ones; colours are shares of the row, the diagonal is grey. Up to
    20 classes have names, counts and recall; more have a list of the commonest mistakes.

    Args:
        confusion: (K, K) counts.
        classes: K names.
        title: None says the accuracy and the number of mistakes.
    """
    counts = torch.as_tensor(confusion).cpu().long()
    num = len(classes)
    if counts.shape != (num, num) or num < 2:
        raise InterpretationError(f"{num} classes need counts ({num}, {num}); got {tuple(counts.shape)}")
    written = num <= MOST_WITH_NUMBERS
    names = [shortened(name, 14) for name in classes] if written else []
    longest = CHARACTER * max(map(len, names), default=0)
    left = 0.5 + longest
    side = min(BODY_WIDTH - left - RECALL_WIDTH, max(2.4, 0.62 * num)) if written else 5.6
    upright = longest > side / num
    page = Page(TOP + side + 0.45 + (longest if upright else 0.1), title or _title(counts), subtitle)
    axes = page.axes(left, TOP, side, side)
    shares = _shares_of_mistakes(counts)
    _paint(axes, shares)
    axes.set_ylabel("true class", color=SOFT, size=TEXT_SIZE)
    axes.set_xlabel("predicted class", color=SOFT, size=TEXT_SIZE)
    if written:
        _write_names(axes, names, upright)
        _write_counts(axes, counts, shares)
        _write_recalls(page, counts, left + side + 0.15, side)
    else:
        _list_commonest(page, counts, classes, left + side + 0.25)
    return page.figure


def _shares_of_mistakes(counts: Tensor) -> Tensor:
    """(K, K) the share of each wrong answer in its row; no number on the diagonal."""
    shares = counts / counts.sum(1, keepdim=True).clamp_min(1)
    return shares.fill_diagonal_(torch.nan)


def _paint(axes: Axes, shares: Tensor) -> None:
    from matplotlib import colormaps

    # The darkest tenth of the scale is left out, so that numbers can be read on every colour.
    largest = float(shares.nan_to_num().max()) or 1.0
    colours = colormaps["Oranges"].with_extremes(bad=RIGHT)
    axes.imshow(shares.numpy(), cmap=colours, vmin=0, vmax=1.1 * largest, interpolation="nearest")
    framed(axes)


def _write_names(axes: Axes, names: Sequence[str], upright: bool) -> None:
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90 if upright else 0, size=TEXT_SIZE)
    axes.set_yticks(places, names, size=TEXT_SIZE)
    axes.tick_params(length=0, labelcolor=INK)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)


def _write_counts(axes: Axes, counts: Tensor, shares: Tensor) -> None:
    size = 10.0 if len(counts) <= 12 else 7.5
    dark = shares.nan_to_num() > 0.6 * shares.nan_to_num().max()
    for row, column in counts.nonzero().tolist():
        right = row == column
        colour = SOFT if right else PAPER if dark[row, column] else INK
        style: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "size": size,
            "weight": "normal" if right else "bold",
        }
        axes.text(column, row, f"{int(counts[row, column])}", color=colour, **style)


def _write_recalls(page: Page, counts: Tensor, left: float, side: float) -> None:
    """The share of right answers of each class, beside its row."""
    page.text(left, TOP - 0.2, "recall", colour=SOFT)
    for row, (right, of) in enumerate(zip(counts.diagonal().tolist(), counts.sum(1).tolist(), strict=True)):
        words = percent(right / of) if of else "no images"
        page.text(left, TOP + (row + 0.5) * side / len(counts), words, middle=True)


def _list_commonest(page: Page, counts: Tensor, classes: Sequence[str], left: float, num: int = 20) -> None:
    wrong = counts.clone().fill_diagonal_(0)
    order = torch.argsort(wrong.flatten(), descending=True, stable=True)[:num].tolist()
    pairs = [divmod(place, len(counts)) for place in order]
    lines = [
        f"{shortened(classes[true], 14)} → {shortened(classes[predicted], 14)}  × {int(wrong[true, predicted])}"
        for true, predicted in pairs
        if wrong[true, predicted]
    ]
    page.text(left, TOP, "Commonest mistakes" if lines else "No mistakes", weight="bold")
    page.text(left, TOP + 0.26, "\n".join(lines), leading=1.5, size=8.0)


def _title(counts: Tensor) -> str:
    total, right = int(counts.sum()), int(counts.diagonal().sum())
    if total == 0:
        return "Confusion matrix of no images"
    return f"{total - right:,} of {total:,} images are taken for another class: accuracy {percent(right / total)}"
