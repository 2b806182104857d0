"""Figures are complete, readable and small, stay inside their edges, and leave matplotlib alone."""

import io
import itertools
import subprocess
import sys

import matplotlib
import pytest
from digit_drawings import DRAWINGS, LONG, NAMES, Scene, gallery, words_of
from matplotlib.figure import Figure
from torch import Tensor


@pytest.fixture(scope="module")
def grey(digits: tuple[Tensor, Tensor]) -> Scene:
    return Scene(digits[0][:800], digits[1][:800], channels=1)


@pytest.fixture(scope="module")
def coloured(digits: tuple[Tensor, Tensor]) -> Scene:
    return Scene(digits[0][:800], digits[1][:800], channels=3)


@pytest.mark.parametrize(("kind", "names"), [("grey", LONG), ("coloured", NAMES)], ids=["grey", "coloured"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_the_figure_is_complete_readable_and_small(
    name: str, kind: str, names: list[str], request: pytest.FixtureRequest
) -> None:
    draw, num_axes = DRAWINGS[name]
    figure = draw(request.getfixturevalue(kind), names)
    assert len(figure.axes) == num_axes
    png = io.BytesIO()
    figure.savefig(png, format="png")
    assert png.getvalue().startswith(b"\x89PNG")
    assert len(png.getvalue()) < 500_000
    assert figure.get_size_inches()[0] * figure.dpi == pytest.approx(990)
    assert_words_stand_apart_and_inside(figure)


def assert_words_stand_apart_and_inside(figure: Figure) -> None:
    """No word is cut off by the figure's edge, none lies on another; sizes can be read at 100 %."""
    words = words_of(figure)
    boxes = [text.get_window_extent() for text in words]
    for text, box in zip(words, boxes, strict=True):
        assert text.get_fontsize() * figure.dpi / 72 >= 9, text.get_text()
        assert box.x0 >= 0, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.width, text.get_text()
        assert box.y1 <= figure.bbox.height, text.get_text()
    for (one, box), (other, second) in itertools.combinations(zip(words, boxes, strict=True), 2):
        across = min(box.x1, second.x1) - max(box.x0, second.x0)
        down = min(box.y1, second.y1) - max(box.y0, second.y0)
        slanted = one.get_rotation() % 90 or other.get_rotation() % 90
        assert slanted or across <= 1 or down <= 3, (one.get_text(), other.get_text())


def test_drawing_changes_no_setting_of_matplotlib_and_obeys_no_dark_style(grey: Scene) -> None:
    from matplotlib import style

    before = dict(matplotlib.rcParams)
    plain = saved(gallery(grey, NAMES))
    assert dict(matplotlib.rcParams) == before
    with style.context("dark_background"):
        assert saved(gallery(grey, NAMES)) == plain


def saved(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="raw")
    return buffer.getvalue()


def test_neither_importing_nor_drawing_loads_pyplot_and_importing_loads_nothing_heavy() -> None:
    code = """
import io, sys, mlcore.interpretation as interpretation
print(sorted({'torch', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)))
import torch
for name in interpretation.__all__:
    assert getattr(interpretation, name) is not None
assert callable(interpretation.grad_cam) and callable(interpretation.class_means)
print(sorted({'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)))
figure = interpretation.draw_contact_sheet(torch.zeros(2, 4, 4), torch.tensor([0, 1]), ['a', 'b'])
figure.savefig(io.BytesIO(), format='png')
print('matplotlib.pyplot' in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["[]", "[]", "False"]
