"""A data set at a glance: how many images each class has, what they look like on average, and some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.drawing.page import (
    BLUE,
    BODY_WIDTH,
    INK,
    PAPER,
    RULE,
    SMALL_SIZE,
    SOFT,
    TEXT_SIZE,
    Page,
    framed,
    shortened,
)
from mlcore.interpretation.drawing.pictures import as_pictures, mosaic
from mlcore.interpretation.errors import InterpretationError
from mlcore.interpretation.mean_images import ClassMeans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

BAR_COLOURS = (BLUE, "#e69f00", "#56565e", "#56b4e9")
MOST_UPRIGHT_NAMES = 12
NAME_LENGTH = 16


def draw_class_distribution(
    counts: Mapping[str, Tensor | Sequence[int]], classes: Sequence[str], *, title: str | None = None
) -> Figure:
    """A group of bars for each class, a bar for each part of the data: its share of the part, so that parts of
    different sizes can be compared. A single part shows its numbers of images instead.

    Args:
        counts: part (train, validation, test) -> (K,) numbers of images; up to four parts.
        classes: K names.
        title: None says which parts and how many images.
    """
    parts = {name: [int(count) for count in values] for name, values in counts.items()}
    if not 1 <= len(parts) <= len(BAR_COLOURS) or any(
        len(values) != len(classes) for values in parts.values()
    ):
        raise InterpretationError(
            f"1 to {len(BAR_COLOURS)} parts with {len(classes)} counts each are drawn; got "
            f"{ {name: len(values) for name, values in parts.items()} }"
        )
    slanted = len(classes) > MOST_UPRIGHT_NAMES or max(map(len, classes)) > 9
    single = len(parts) == 1
    total = sum(map(sum, parts.values()))
    subtitle = "Images of each class." if single else "Share of each class in each part of the data."
    subtitle += " Dashed: all classes equally frequent."
    of = f"{next(iter(parts))} images" if single else "images"
    longest = max(len(shortened(name, NAME_LENGTH)) for name in classes)
    height = 3.4 + (0.1 + 0.065 * longest if slanted else 0.2)
    page = Page(height, title or f"{total:,} {of} in {len(classes)} classes", subtitle)
    axes = page.axes(0.6, 0.3, BODY_WIDTH - 0.6, 3.1)
    _draw_bars(axes, parts, single)
    axes.set_ylabel("images" if single else "share of the part, %", color=SOFT, size=TEXT_SIZE)
    _plain_axis(axes, classes, slanted)
    return page.figure


def _draw_bars(axes: Axes, parts: Mapping[str, list[int]], single: bool) -> None:
    width = 0.8 / len(parts)
    for number, (name, values) in enumerate(parts.items()):
        of = sum(values)
        heights = [float(value) if single else 100 * value / max(of, 1) for value in values]
        places = [place - 0.4 + (number + 0.5) * width for place in range(len(values))]
        label = f"{name}: {of:,}"
        axes.bar(places, heights, width * 0.92, color=BAR_COLOURS[number], label=label)
        if single and len(values) <= MOST_UPRIGHT_NAMES:
            for place, value in zip(places, values, strict=True):
                words = axes.annotate(f"{value:,}", (place, value), (0, 3), textcoords="offset points")
                words.set(ha="center", va="bottom", size=SMALL_SIZE, color=INK)
                words.set_bbox({"facecolor": PAPER, "edgecolor": "none", "pad": 0.6})
    num_classes = len(next(iter(parts.values())))
    even = sum(next(iter(parts.values()))) / num_classes if single else 100 / num_classes
    axes.axhline(even, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=2)
    if not single:
        axes.legend(
            frameon=False,
            labelcolor=INK,
            fontsize=TEXT_SIZE,
            ncols=len(parts),
            loc="lower right",
            bbox_to_anchor=(1, 1),
        )


def _plain_axis(axes: Axes, classes: Sequence[str], slanted: bool) -> None:
    names = [shortened(name, NAME_LENGTH) for name in classes]
    rotation: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(range(len(names)), names, size=TEXT_SIZE if len(names) <= 20 else 6, **rotation)
    for label in axes.get_xticklabels():
        label.set_parse_math(False)
    axes.tick_params(length=0, labelcolor=INK)
    axes.tick_params(axis="y", labelsize=SMALL_SIZE, labelcolor=SOFT)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)


def draw_class_means(
    means: ClassMeans,
    classes: Sequence[str],
    *,
    title: str = "The mean image of each class, and how much its images differ",
    num_columns: int = 10,
) -> Figure:
    """For each class its mean image above the standard deviation of each pixel.

    Args:
        means: of `class_means`.
        classes: K names.
    """
    pictures = as_pictures(means.means)
    deviations = as_pictures(means.deviations * 2)
    deviations = deviations.mean(3) if deviations.ndim == 4 else deviations
    if len(pictures) != len(classes):
        raise InterpretationError(f"{len(classes)} classes need as many mean images; got {len(pictures)}")
    num_columns = min(num_columns, len(classes))
    step = min(1.5, BODY_WIDTH / num_columns)
    size, row_height = step * 0.95, 2 * step + 0.62
    num_rows = -(-len(classes) // num_columns)
    subtitle = "Above the mean, below the standard deviation pixel by pixel: bright where images differ most."
    page = Page(num_rows * row_height - 0.12, title, subtitle)
    for number, name in enumerate(classes):
        row, column = divmod(number, num_columns)
        left, top = column * step, row * row_height
        page.picture(pictures[number], left, top, size)
        _draw_deviation(page.axes(left, top + step, size, size), deviations[number])
        middle, below = left + size / 2, top + 2 * step
        page.text(
            middle, below, shortened(name, int(12.5 * step)), size=SMALL_SIZE, weight="bold", across="center"
        )
        count = int(means.counts[number])
        page.text(
            middle,
            below + 0.18,
            f"{count:,}" if count else "no images",
            size=SMALL_SIZE,
            colour=SOFT,
            across="center",
        )
    return page.figure


def _draw_deviation(axes: Axes, doubled: NDArray[Any]) -> None:
    """The standard deviation of values in [0, 1] is at most 0.5, hence doubled."""
    axes.imshow(doubled, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    framed(axes)


def draw_contact_sheet(
    images: Tensor | NDArray[Any], labels: Tensor, classes: Sequence[str], *, title: str | None = None
) -> Figure:
    """A row of images for each class.

    Args:
        images: those to show, for example at the positions of `examples_of_classes`.
        labels: (N,) their classes.
        classes: K names; a class without images has an empty row.
        title: None says how many images.
    """
    pictures = as_pictures(images)
    if labels.shape != (len(pictures),):
        raise InterpretationError(f"{len(pictures)} images need as many labels; got {tuple(labels.shape)}")
    groups = [pictures[(labels == number).cpu().numpy()] for number in range(len(classes))]
    longest = max(1, *map(len, groups))
    left = 0.25 + 0.085 * min(18, max(map(len, classes)))
    size = min(0.8, (BODY_WIDTH - left) / longest)
    page = Page(len(classes) * size, title or f"{len(pictures):,} images of {len(classes)} classes")
    for number, (name, group) in enumerate(zip(classes, groups, strict=True)):
        top = number * size
        page.text(0, top + size * 0.47, shortened(name, 18), weight="bold", middle=True)
        if len(group):
            row = mosaic(group, len(group), gap=max(1, round(group.shape[2] * 0.06)), fill=1.0)
            axes = page.axes(left, top, size * 0.94 * row.shape[1] / row.shape[0], size * 0.94)
            axes.imshow(row, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_axis_off()
    return page.figure
