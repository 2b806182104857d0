"""Finds the checkpoint file that is meant: a file, a run folder, or best and last by any of their names.

File names that are in use: ``best.pt``, ``last.pt``, ``latest.pt`` and the same with ``.pth``. All of them
are understood.
"""

import difflib
import re
from pathlib import Path

from mlcore.errors import CheckpointError

STEP_FILE = re.compile(r"step_(\d{8,})\.pt")
SUFFIXES = (".pt", ".pth")
_SYNONYMS = {"best": ("best",), "last": ("last", "latest"), "latest": ("latest", "last")}


def step_file_name(step: int) -> str:
    """``step_00000100.pt`` for step 100."""
    return f"step_{step:08d}.pt"


def check_file_name(name: str) -> str:
    """``name`` if it is the name of a file in a folder and nothing cleverer.

    Raises:
        CheckpointError: separators, ``..``, a drive, NUL, empty.
    """
    if not name or name in {".", ".."} or any(character in name for character in "/\\\0:"):
        raise CheckpointError(
            f"{name!r} is not the name of a checkpoint: best, last or a file name of the folder"
        )
    return name


def resolve_checkpoint(spec: str | Path, which: str = "last") -> Path:
    """The checkpoint file that ``spec`` means.

    Args:
        spec: a checkpoint file, also under a synonym of its name (``latest.pt`` where ``last.pt`` stands,
            ``best.pth`` where ``best.pt`` stands, ``folder/best``); a run folder; or a folder of checkpoints.
        which: for a folder: "best" or "last".

    Raises:
        CheckpointError: there is none; says what is there.
    """
    path = Path(spec)
    try:
        if path.is_file():
            return path
        if path.is_dir():
            return _in_folder(path, which)
        found = _under_a_synonym(path)
    except (OSError, ValueError) as error:  # NUL in the name, too long, no permission
        raise CheckpointError(f"{str(spec)!r}: no such checkpoint ({error})") from error
    if found is None:
        raise CheckpointError(f"{path}: no such checkpoint{_what_is_there(path)}")
    return found


def _in_folder(folder: Path, which: str) -> Path:
    inner = folder / "checkpoints"
    if inner.is_dir():
        folder = inner
    found = _under_a_synonym(folder / which)
    if found is not None:
        return found
    steps = newest_step_files(folder)
    if which != "best" and steps:
        return steps[0]
    raise CheckpointError(f"{folder}: no {which} checkpoint{_what_is_there(folder / which)}")


def newest_step_files(folder: Path) -> list[Path]:
    """The folder's step files, highest step first (by number, not by letter)."""
    found = ((STEP_FILE.fullmatch(path.name), path) for path in folder.iterdir())
    return [path for _, path in sorted(((int(m[1]), p) for m, p in found if m), reverse=True)]


def _under_a_synonym(path: Path) -> Path | None:
    stem = path.stem if path.suffix in SUFFIXES else path.name
    for name in _SYNONYMS.get(stem, (stem,)):
        for suffix in SUFFIXES:
            candidate = path.with_name(name + suffix)
            if candidate.is_file():
                return candidate
    return None


def _what_is_there(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {folder}"
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix in SUFFIXES)
    if not names:
        return f"; there are no checkpoints in {folder}"
    nearest = difflib.get_close_matches(path.name, names, n=1)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    return f"; {folder} has {', '.join(names[:6])}" + (", …" if len(names) > 6 else "")
