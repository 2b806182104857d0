"""A gallery of predictions: each image, its true and predicted class, and the model's confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.drawing.page import BODY_WIDTH, SMALL_SIZE, SOFT, Page, arrow, confidence
from mlcore.interpretation.drawing.pictures import as_pictures
from mlcore.interpretation.errors import InterpretationError
from mlcore.interpretation.failures import Failures

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SUBTITLE = "true → predicted, and the probability that the model gave its prediction"
LINE = 0.17  # inches


def draw_failures(
    images: Tensor | NDArray[Any],
    failures: Failures,
    classes: Sequence[str],
    *,
    title: str | None = None,
    subtitle: str = SUBTITLE,
    num_columns: int = 5,
) -> Figure:
    """One cell a prediction, row by row in their order; 25 mistakes are five rows of five.

    Args:
        images: of these predictions only, in their order (``images[failures.positions]``); layouts as in
            `as_pictures`.
        failures: of `find_failures`, `hardest` or `least_confident_correct`.
        classes: the names of all classes.
        title: None says how many of how many mistakes are shown.
    """
    pictures = as_pictures(images)
    if len(pictures) != len(failures):
        raise InterpretationError(f"{len(failures)} predictions need as many images; got {len(pictures)}")
    cell = BODY_WIDTH / num_columns
    size = cell * 0.84
    pairs = zip(failures.true.tolist(), failures.predicted.tolist(), strict=True)
    captions = [arrow(classes, true, predicted, int(12 * size)) for true, predicted in pairs]
    num_lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    row_height = size + 0.4 + LINE * num_lines
    num_rows = max(1, -(-len(failures) // num_columns))
    page = Page(num_rows * row_height - 0.2, title or _title(failures), subtitle)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(number, num_columns)
        left, top = column * cell + (cell - size) / 2, row * row_height
        page.picture(picture, left, top, size)
        middle, below = left + size / 2, top + size + 0.06
        page.text(middle, below, caption, weight="bold", across="center")
        below += LINE * (1 + caption.count("\n"))
        sureness = confidence(float(failures.confidence[number]))
        page.text(middle, below, sureness, size=SMALL_SIZE, colour=SOFT, across="center")
    return page.figure


def _title(failures: Failures) -> str:
    of = f"among {failures.num_samples:,} images"
    if failures.num_found == 0:
        return f"No mistakes {of}"
    if len(failures) == failures.num_found:
        return f"All {failures.num_found} mistakes {of}, the most confident first"
    return f"The {len(failures)} most confident of {failures.num_found:,} mistakes {of}"
