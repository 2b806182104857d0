"""manifest.json: the list of a checkpoint folder's files with their SHA-256, for people and for tools.

It is a second witness, never the only one: every checkpoint file proves itself (see ``file_format``), so a
lost or damaged manifest loses nothing.
"""

import json
import re
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlcore.checkpoint.atomic_file import CountingWriter, write_atomically

MANIFEST_NAME = "manifest.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ManifestEntry:
    """One file. ``metric`` is None when there was none or it was not finite."""

    sha256: str
    size: int
    step: int
    metric: float | None
    sequence: int


@dataclass(frozen=True)
class Manifest:
    """The files by name, and which of them is the best and which the last."""

    files: dict[str, ManifestEntry] = field(default_factory=dict)
    best: str | None = None
    last: str | None = None
    monitor: str = "val_loss"
    mode: str = "min"


def read_manifest(folder: Path) -> Manifest:
    """The folder's manifest; an empty one when there is none, and with a warning when it is damaged."""
    path = folder / MANIFEST_NAME
    try:
        document = json.loads(path.read_bytes())
        files = {str(name): _entry(fields) for name, fields in document["files"].items()}
        return Manifest(files, document["best"], document["last"], document["monitor"], document["mode"])
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        warnings.warn(f"{path} is damaged; the checkpoints are read without it", stacklevel=2)
        return Manifest()


def _entry(fields: dict[str, Any]) -> ManifestEntry:
    sha256 = fields["sha256"]
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError(f"not a SHA-256: {sha256!r}")
    metric = None if fields["metric"] is None else float(fields["metric"])
    return ManifestEntry(sha256, int(fields["size"]), int(fields["step"]), metric, int(fields["sequence"]))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the folder's manifest atomically. Raises ``CheckpointWriteError``."""
    text = json.dumps({"schema": 1, **asdict(manifest)}, indent=2, allow_nan=False) + "\n"

    def write(writer: CountingWriter) -> None:
        writer.write(text.encode())

    write_atomically(folder / MANIFEST_NAME, write, point="checkpoint.manifest")
