"""A figure with a headline above a body in which things are placed in inches from its upper left corner.

Fixed places instead of a layout solver: the same figure on every machine, a hundred small pictures in no time, and
nothing that a long class name can push aside.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

DPI = 110
WIDTH = 9.0  # inches: 990 pixels, the width of a report's column
MARGIN = 0.3
BODY_WIDTH = WIDTH - 2 * MARGIN
INK, SOFT, RULE, PAPER = "#1c1c1e", "#63636a", "#d9d6d0", "#ffffff"
BLUE, ORANGE = "#2b6cb0", "#c2570c"  # told apart with every kind of colour vision
TITLE_SIZE, SUBTITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 14.0, 10.0, 9.5, 8.5
INCHES_PER_POINT = 1 / 72


class Page:
    """A figure of a body's size, higher by the room that its headline takes.

    Args:
        height: of the body, inches.
        title: what is seen.
        subtitle: how to read it.
        width: of the body, inches.
    """

    def __init__(self, height: float, title: str, subtitle: str = "", *, width: float = BODY_WIDTH) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        titles = textwrap.wrap(title, int(width / (TITLE_SIZE * 0.58 * INCHES_PER_POINT)))
        subtitles = textwrap.wrap(subtitle, int(width / (SUBTITLE_SIZE * 0.54 * INCHES_PER_POINT)))
        title_height = len(titles) * TITLE_SIZE * 1.3 * INCHES_PER_POINT
        subtitle_height = len(subtitles) * SUBTITLE_SIZE * 1.35 * INCHES_PER_POINT
        self._top = MARGIN * 0.8 + title_height + 0.06 + subtitle_height + 0.14
        self._size = (width + 2 * MARGIN, self._top + height + MARGIN)
        self.figure: Figure = Figure(figsize=self._size, dpi=DPI, facecolor=PAPER)
        above = MARGIN * 0.8 - self._top
        self.text(0, above, "\n".join(titles), size=TITLE_SIZE, weight="bold")
        below = above + title_height + 0.06
        self.text(0, below, "\n".join(subtitles), size=SUBTITLE_SIZE, colour=SOFT, leading=1.35)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """New axes; all in inches from the body's upper left corner."""
        x, y = self._fractions(left, top + height)
        place = (x, y, width / self._size[0], height / self._size[1])
        return self.figure.add_axes(place, facecolor=PAPER)

    def text(
        self,
        left: float,
        top: float,
        words: str,
        *,
        size: float = TEXT_SIZE,
        colour: str = INK,
        weight: Literal["normal", "bold"] = "normal",
        across: Literal["left", "center", "right"] = "left",
        middle: bool = False,
        leading: float = 1.3,
    ) -> None:
        """Lines of words that begin at, are centred on, or end at `left`; never read as formulas.

        Each line is placed by its baseline, so that words with and without descenders stand level.

        Args:
            top: of the first line, or, with `middle`, the middle of all lines.
            size: points.
            leading: from line to line, in sizes.
        """
        lines = words.split("\n")
        step = size * leading * INCHES_PER_POINT
        baseline = top + 0.85 * size * INCHES_PER_POINT
        if middle:
            baseline = top + 0.36 * size * INCHES_PER_POINT - (len(lines) - 1) * step / 2
        style: dict[str, Any] = {"size": size, "color": colour, "weight": weight, "ha": across}
        for number, line in enumerate(lines):
            x, y = self._fractions(left, baseline + number * step)
            self.figure.text(x, y, line, va="baseline", parse_math=False, **style)

    def picture(
        self,
        picture: NDArray[Any],
        left: float,
        top: float,
        size: float,
        *,
        frame: str = RULE,
        thick: float = 0.8,
    ) -> Axes:
        """A grey or coloured picture in [0, 1], fitted into a square of `size` inches."""
        axes = self.axes(left, top, size, size)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        framed(axes, frame, thick)
        return axes

    def _fractions(self, left: float, top: float) -> tuple[float, float]:
        """matplotlib's coordinates of a place: 0 to 1 from the lower left corner."""
        return (MARGIN + left) / self._size[0], 1 - (self._top + top) / self._size[1]


def framed(axes: Axes, colour: str = RULE, thick: float = 0.8) -> None:
    """No ticks; a frame of this colour, `thick` points wide."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(colour)
        spine.set_linewidth(thick)


def shortened(name: str, num_characters: int) -> str:
    """The name, cut with an ellipsis if it is longer."""
    return name if len(name) <= num_characters else name[: max(1, num_characters - 1)].rstrip() + "…"


def arrow(classes: Sequence[str], true: int, predicted: int, num_characters: int) -> str:
    """ "true → predicted", in two lines if it does not fit one."""
    names = classes[true], classes[predicted]
    if len(names[0]) + len(names[1]) + 3 <= num_characters:
        return f"{names[0]} → {names[1]}"
    return f"{shortened(names[0], num_characters)}\n→ {shortened(names[1], num_characters - 2)}"


def percent(share: float) -> str:
    """ "97.32 %" """
    return f"{100 * share:.2f} %"


def confidence(probability: float) -> str:
    """A predicted probability; what would round to certainty is "> 99.99 %"."""
    return "> 99.99 %" if probability > 0.9999 else percent(probability)
