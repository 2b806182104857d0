"""Pictures of a run: figures/NAME.png, and figures/index.json with their titles and captions in order."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from mlcore.errors import UserError
from mlcore.logger.plain_values import write_json_atomic
from mlcore.report.loose_values import as_objects
from mlcore.report.png_image import png_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "figures"
INDEX = "index.json"
SCHEMA = 1

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class FigureError(UserError):
    """A picture that cannot be kept in a run folder."""


def save_figure(
    run_path: Path | str,
    name: str,
    figure: Figure | bytes,
    *,
    title: str,
    caption: str = "",
    dots_per_inch: int = 144,
) -> Path:
    """Writes `figure` to figures/`name`.png of a run, enters it into the index, and returns the file's path.

    A name that is in the index already keeps its place, with the new picture and text. Whatever happens, a
    reader sees the old picture or the new one. The same figure gives the same bytes.

    Args:
        run_path: the run folder.
        name: letters, digits, "-" and "_".
        figure: a matplotlib figure, which is neither changed nor closed, or the bytes of a PNG.
        title: a few words; also what a screen reader says.
        caption: what is to be seen, and how it was made.
        dots_per_inch: of a matplotlib figure.

    Raises:
        FigureError: the name is not allowed, the bytes are no whole PNG, there is no run folder, or its index
            was written by a newer version.
    """
    run_path = Path(run_path)
    if not is_figure_name(name):
        raise FigureError(f"figure name {name!r}: only letters, digits, '-' and '_', at most 100 of them")
    if not run_path.is_dir():
        raise FigureError(f"{run_path}: no such run folder")
    content = figure if isinstance(figure, bytes) else _draw(figure, dots_per_inch)
    try:
        width, height = png_size(content)
    except ValueError as error:
        raise FigureError(f"figure {name!r}: {error}") from None
    folder = run_path / FOLDER
    folder.mkdir(exist_ok=True)
    entry = {"name": name, "title": title, "caption": caption, "width": width, "height": height}
    with FileLock(folder / ".index.lock"):  # two commands may draw for one run at the same time
        entries = _entries(folder)
        _write_atomic(folder / f"{name}.png", content)
        write_json_atomic(folder / INDEX, {"schema": SCHEMA, "figures": _with(entries, entry)})
    return folder / f"{name}.png"


def is_figure_name(name: object) -> bool:
    """Whether `name` names a file inside the folder and nothing else."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _draw(figure: Figure, dots_per_inch: int) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()


def _entries(folder: Path) -> list[dict[str, Any]]:
    """Entries of the index; where it is missing or damaged, the pictures that lie there, by name."""
    try:
        content = json.loads((folder / INDEX).read_bytes())
        schema, entries = content["schema"], content["figures"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        found = sorted(path.stem for path in folder.glob("*.png") if is_figure_name(path.stem))
        return [{"name": name, "title": name.replace("_", " "), "caption": ""} for name in found]
    if schema != SCHEMA:
        raise FigureError(f"{folder / INDEX}: schema {schema!r}, this version writes schema {SCHEMA}")
    return [entry for entry in as_objects(entries) if is_figure_name(entry.get("name"))]


def _with(entries: list[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    """`entries` with `new` in the place of the entry of its name, or at the end."""
    names = [entry["name"] for entry in entries]
    if new["name"] not in names:
        return [*entries, new]
    return [new if entry["name"] == new["name"] else entry for entry in entries]


def _write_atomic(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
