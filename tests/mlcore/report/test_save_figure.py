"""Figures of a run: written whole, in order, by anyone at once, and shown or named in a notice."""

import io
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from mlcore.report.figures import FigureError, save_figure
from mlcore.report.png_image import png_size
from PIL import Image

PageOf = Callable[[Path | str], Any]


def png(width: int = 30, height: int = 20, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(256, size=(height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def drawing() -> Figure:
    figure = Figure(figsize=(4, 3))
    figure.subplots().plot([1, 3, 2])
    return figure


def index(run: Path) -> list[dict[str, Any]]:
    content = json.loads((run / "figures" / "index.json").read_text())
    assert content["schema"] == 1
    return content["figures"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("a: 1\n")
    return tmp_path


def test_a_png_is_kept_byte_for_byte_with_its_texts_and_size(run: Path) -> None:
    path = save_figure(run, "filters", png(30, 20), title="Filters", caption="of the first layer")
    assert path == run / "figures" / "filters.png"
    assert path.read_bytes() == png(30, 20)
    (entry,) = index(run)
    assert entry == {
        "name": "filters",
        "title": "Filters",
        "caption": "of the first layer",
        "width": 30,
        "height": 20,
    }


def test_a_matplotlib_figure_is_drawn_the_same_every_time_and_left_open(run: Path) -> None:
    first = save_figure(run, "curve", drawing(), title="Curve").read_bytes()
    figure = drawing()
    assert save_figure(run, "curve", figure, title="Curve").read_bytes() == first
    with Image.open(run / "figures" / "curve.png") as image:
        assert image.size == (4 * 144, 3 * 144)
        assert "Software" not in image.info
    assert len(figure.axes) == 1
    assert (index(run)[0]["width"], index(run)[0]["height"]) == (576, 432)
    assert matplotlib.get_backend(), "no window was needed"


def test_figures_stay_in_the_order_of_their_first_writing(run: Path) -> None:
    for name in ("c", "a", "b"):
        save_figure(run, name, png(), title=name)
    save_figure(run, "a", png(seed=1), title="new", caption="again")
    assert [(entry["name"], entry["title"]) for entry in index(run)] == [("c", "c"), ("a", "new"), ("b", "b")]
    assert (run / "figures" / "a.png").read_bytes() == png(seed=1)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "a.png", "é", "x" * 101, "-a"])
def test_a_name_that_could_leave_the_folder_is_refused(run: Path, name: str) -> None:
    with pytest.raises(FigureError, match="only letters, digits") as caught:
        save_figure(run, name, png(), title="t")
    assert caught.value.exit_code == 1
    assert not (run / "figures").exists()


@pytest.mark.parametrize("content", [b"", b"GIF89a", png()[:-1], png()[:40]])
def test_bytes_that_are_no_whole_png_are_refused_and_change_nothing(run: Path, content: bytes) -> None:
    save_figure(run, "a", png(), title="old")
    with pytest.raises(FigureError, match="PNG"):
        save_figure(run, "a", content, title="new")
    assert (run / "figures" / "a.png").read_bytes() == png()
    assert index(run)[0]["title"] == "old"


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=r"nowhere: no such run folder"):
        save_figure(tmp_path / "nowhere", "a", png(), title="t")


def test_a_damaged_index_is_made_anew_from_the_pictures(run: Path) -> None:
    save_figure(run, "first_layer", png(), title="First", caption="lost")
    (run / "figures" / "index.json").write_text('{"schema": 1, "fig')
    save_figure(run, "second", png(), title="Second")
    assert [(e["name"], e["title"]) for e in index(run)] == [
        ("first_layer", "first layer"),
        ("second", "Second"),
    ]


def test_an_index_of_a_newer_version_is_not_overwritten(run: Path) -> None:
    save_figure(run, "a", png(), title="t")
    (run / "figures" / "index.json").write_text('{"schema": 2, "figures": []}')
    with pytest.raises(FigureError, match="schema 2, this version writes schema 1"):
        save_figure(run, "b", png(), title="t")


def save_some(run: Path, worker: int) -> None:
    for number in range(4):
        save_figure(run, f"f{worker}-{number}", png(seed=worker), title=f"{worker} {number}")


def test_processes_that_write_at_the_same_time_lose_nothing(run: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=save_some, args=(run, worker)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(entry["name"] for entry in index(run)) == sorted(
        f"f{w}-{n}" for w in range(4) for n in range(4)
    )
    assert not list((run / "figures").glob(".*.tmp"))


@given(width=st.integers(1, 60), height=st.integers(1, 60))
def test_the_size_is_the_one_that_pillow_reads(width: int, height: int) -> None:
    assert png_size(png(width, height)) == (width, height)


@settings(max_examples=200)
@given(data=st.data())
def test_a_png_that_was_cut_off_or_changed_anywhere_is_noticed(data: st.DataObject) -> None:
    content = png()
    position = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(ValueError, match="PNG"):
        png_size(content[:position])
    changed = bytearray(content)
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="PNG"):
        png_size(bytes(changed))


def damage(run: Path, name: str, content: bytes | None) -> None:
    path = run / "figures" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        (None, "figures/a.png: cannot be read (No such file or directory); the figure was left out."),
        (b"", "figures/a.png: not a PNG; the figure was left out."),
        (png()[:100], "figures/a.png: a damaged PNG; the figure was left out."),
        (png() + bytes(5 * 2**20), "figures/a.png: has more than 5 MiB; the figure was left out."),
    ],
)
def test_a_picture_that_cannot_be_shown_is_named_and_the_others_are_shown(
    run: Path, page_of: PageOf, content: bytes | None, notice: str
) -> None:
    for name in "abc":
        save_figure(run, name, png(), title=f"picture {name}")
    damage(run, "a.png", content)
    page = page_of(run)
    assert notice in page.text
    assert [image["alt"] for image in page.all("img")] == ["picture b", "picture c"]


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        (b"{", "figures/index.json is damaged"),
        (b"\xff\x00", "figures/index.json is damaged"),
        (b"[" * 100_000, "figures/index.json is damaged"),
        (b"[]", "does not hold a list of figures"),
        (b'{"schema": 1, "figures": {}}', "does not hold a list of figures"),
        (b'{"schema": 7, "figures": []}', "has schema 7, which this version does not read"),
        (b'{"schema": 1, "figures": [1]}', "figures/index.json: an entry without a proper name"),
        (b'{"schema": 1, "figures": [{"name": "../config"}]}', "an entry without a proper name"),
        (b'{"schema": 1, "figures": [{"name": ["a"]}]}', "an entry without a proper name"),
    ],
)
def test_a_damaged_index_is_a_notice(run: Path, page_of: PageOf, content: bytes, notice: str) -> None:
    save_figure(run, "a", png(), title="t")
    damage(run, "index.json", content)
    page = page_of(run)
    assert notice in page.text
    assert not page.all("img")
    assert 'id="figures"' not in (run / "report.html").read_text()


def test_so_many_pictures_that_a_browser_would_choke_are_cut_off_with_a_notice(
    run: Path, page_of: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        save_figure(run, name, png(), title=name)
    monkeypatch.setattr("mlcore.report.figure_view._MAX_TOTAL_BYTES", 2 * len(png()))
    page = page_of(run)
    assert [image["alt"] for image in page.all("img")] == ["a", "b"]
    assert "figures/c.png: there are more than" in page.text


def test_an_entry_without_texts_is_shown_under_its_name(run: Path, page_of: PageOf) -> None:
    save_figure(run, "a", png(), title="t")
    damage(run, "index.json", b'{"schema": 1, "figures": [{"name": "a"}]}')
    (image,) = page_of(run).all("img")
    assert image["alt"] == "a"
    assert (image["width"], image["height"]) == ("30", "20"), "read from the file itself"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(max_size=40), caption=st.text(max_size=80))
def test_any_text_is_kept_and_shown(run: Path, page_of: PageOf, title: str, caption: str) -> None:
    save_figure(run, "a", png(), title=title, caption=caption)
    assert (index(run)[0]["title"], index(run)[0]["caption"]) == (title, caption)
    assert len(page_of(run).all("img")) == 1
