"""Where data lies: the data folder, the cache, the repository's assets. Asked at each call."""

import os
import sys
from pathlib import Path


def data_folder(named: str | Path | None = None) -> Path:
    """The folder of real data: the argument, else MLDATA_DIR, else ./data."""
    return Path(named or os.environ.get("MLDATA_DIR") or "data").expanduser()


def cache_folder() -> Path:
    """The cache: MLDATA_CACHE, else `proving_ground` in the platform's folder for caches.

    `raw/` holds what was fetched, `processed/` what was made of it.
    """
    named = os.environ.get("MLDATA_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "proving_ground"


def tokenizer_folders(assets_dir: str | Path | None = None) -> list[Path]:
    """The existing folders that may hold trained tokenizers, nearest first.

    Looked in: the argument, ASSETS_DIR, then `assets/models/tokenizers` of every folder above this file and
    above the current folder. An assets folder may be named itself or be the tokenizers' folder.
    """
    named = [Path(place) for place in (assets_dir, os.environ.get("ASSETS_DIR")) if place]
    candidates = [folder / tail for folder in named for tail in ("models/tokenizers", ".")]
    if assets_dir is None:
        here, current = Path(__file__).resolve(), Path.cwd()
        for above in [*here.parents, current, *current.parents]:
            candidates.append(above / "assets" / "models" / "tokenizers")
    found: dict[Path, None] = {}
    for candidate in candidates:
        if candidate.is_dir():
            found.setdefault(candidate.resolve())
    return list(found)
