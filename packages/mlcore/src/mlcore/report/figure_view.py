"""The pictures of a run as the page shows them: inside it, as data: URIs."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcore.report.figures import FOLDER, INDEX, SCHEMA, is_figure_name
from mlcore.report.loose_values import as_objects
from mlcore.report.png_image import png_size

_MAX_BYTES = 5 * 2**20
_MAX_TOTAL_BYTES = 40 * 2**20  # the page holds a third more, and a browser has to read it all
_WIDE = 1.45  # pictures wider than this take the whole width of the page


@dataclass(frozen=True)
class FigureView:
    """One picture; `width` and `height` are its pixels, and keep its place until it is decoded."""

    name: str
    title: str
    caption: str
    width: int
    height: int
    data_uri: str

    @property
    def shape(self) -> str:
        """CSS class: "broad" pictures stand alone, the others in two columns."""
        return "broad" if self.width / self.height > _WIDE else "upright"


def figure_views(run_path: Path) -> tuple[list[FigureView], list[str]]:
    """The pictures of a run in the order of their index, and a notice for each that cannot be shown."""
    entries, notices = _index(run_path / FOLDER / INDEX)
    views: list[FigureView] = []
    room = _MAX_TOTAL_BYTES
    for entry in entries:
        name = entry.get("name")
        try:
            content = _content(run_path / FOLDER, name, room)
            width, height = png_size(content)
        except ValueError as problem:
            where = f"{FOLDER}/{name}.png" if is_figure_name(name) else f"{FOLDER}/{INDEX}"
            notices.append(f"{where}: {problem}; the figure was left out.")
            continue
        room -= len(content)
        title, caption = (str(entry.get(key) or "") for key in ("title", "caption"))
        uri = "data:image/png;base64," + base64.b64encode(content).decode()
        views.append(FigureView(str(name), title or str(name), caption, width, height, uri))
    return views, notices


def _index(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    name = f"{FOLDER}/{INDEX}"
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    except (OSError, ValueError, RecursionError):
        return [], [f"{name} is damaged: the figures were left out."]
    if not isinstance(content, dict) or not isinstance(content.get("figures"), list):
        return [], [f"{name} does not hold a list of figures: they were left out."]
    if content.get("schema") != SCHEMA:
        return [], [f"{name} has schema {content.get('schema')!r}, which this version does not read."]
    return as_objects(content["figures"]), []


def _content(folder: Path, name: Any, room: int) -> bytes:
    """The file's bytes; ValueError says why it is not shown. Not more is read than may be shown."""
    if not is_figure_name(name):
        raise ValueError("an entry without a proper name")
    try:
        with open(folder / f"{name}.png", "rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from None
    if len(content) > _MAX_BYTES:
        raise ValueError(f"has more than {_MAX_BYTES // 2**20} MiB")
    if len(content) > room:
        raise ValueError(f"there are more than {_MAX_TOTAL_BYTES // 2**20} MiB of figures")
    return content
