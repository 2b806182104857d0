"""What lies in a checkpoint folder, newest first, as the files themselves tell it.

Nothing is remembered between calls, so files that were deleted by hand, or saved a moment before a kill, are
seen as they are.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from mlcore.checkpoint.file_format import FileInfo, read_info
from mlcore.checkpoint.lookup import STEP_FILE
from mlcore.checkpoint.manifest import Manifest


@dataclass(frozen=True)
class Entry:
    """One checkpoint file. ``info`` is None when its last line cannot be read: it is surely damaged."""

    path: Path
    info: FileInfo | None
    order: tuple[int, int]

    @property
    def is_step_file(self) -> bool:
        """Whether this is ``step_….pt`` and not one of the second names."""
        return STEP_FILE.fullmatch(self.path.name) is not None

    def sha256(self) -> str:
        """SHA-256 of the whole file."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def scan_folder(folder: Path, manifest: Manifest, *, aliases: tuple[str, str]) -> list[Entry]:
    """The checkpoints of ``folder``, the one saved last first.

    ``aliases`` (last, best) are listed only where they are not the second name of a step file: after the step
    file was deleted by hand, or on a file system without hard links, where they are copies.
    A damaged file takes the place that the manifest gives it; one that the manifest does not know was being
    made when something went wrong, so it comes first, is found damaged, and is warned of.
    """
    if not folder.is_dir():
        return []
    step_files = [path for path in folder.iterdir() if STEP_FILE.fullmatch(path.name) and path.is_file()]
    inodes = {(path.stat().st_dev, path.stat().st_ino) for path in step_files}
    entries = [_entry(path, manifest, rank=2) for path in step_files]
    for rank, name in enumerate(reversed(aliases)):
        path = folder / name
        if path.is_file() and (path.stat().st_dev, path.stat().st_ino) not in inodes:
            inodes.add((path.stat().st_dev, path.stat().st_ino))
            entries.append(_entry(path, manifest, rank=rank))
    return sorted(entries, key=lambda entry: entry.order, reverse=True)


def _entry(path: Path, manifest: Manifest, *, rank: int) -> Entry:
    info = read_info(path)
    if info is not None:
        return Entry(path, info, (info.sequence, rank))
    listed = manifest.files.get(path.name)
    if listed is not None:
        return Entry(path, None, (listed.sequence, rank))
    newest = max((entry.sequence for entry in manifest.files.values()), default=0)
    return Entry(path, None, (newest + 1, rank))


def best_entry(entries: list[Entry], monitor: str, mode: str) -> Entry | None:
    """The entry with the best finite metric of that monitor; of equals the one saved first."""
    sign = 1.0 if mode == "min" else -1.0
    best: Entry | None = None
    best_score = math.inf
    for entry in reversed(entries):  # oldest first, so that a tie keeps the older
        info = entry.info
        if info is None or info.monitor != monitor or info.metric is None or not math.isfinite(info.metric):
            continue
        if sign * info.metric < best_score or (entry.is_step_file and best is not None and info == best.info):
            best, best_score = entry, sign * info.metric
    return best


def sha256_in_manifest(path: Path, manifest: Manifest) -> str | None:
    """What the manifest says of this file, unless the file was saved after the manifest."""
    listed = manifest.files.get(path.name)
    info = read_info(path)
    if listed is None or (info is not None and info.sequence > listed.sequence):
        return None
    return listed.sha256
