"""Files that are either wholly there or not at all.

A file is written under a temporary name beside its place, forced to the disk, and renamed. Whatever happens
in between, the name holds the old content or the new one. Temporary names carry the writer's process id:
``.best.pt.4711.tmp``.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from mlcore.checkpoint.faults import fault_point
from mlcore.errors import CheckpointError

_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")


class CheckpointWriteError(CheckpointError):
    """A checkpoint could not be written; the ones before it are intact.

    Attributes:
        needed_bytes: size of the file that did not fit; 0 when it is not known.
        free_bytes: room left on that disk.
    """

    def __init__(self, path: Path, reason: OSError, needed_bytes: int = 0) -> None:
        self.needed_bytes = needed_bytes
        self.free_bytes = _free_bytes(path.parent)
        why = reason.strerror or str(reason)
        needed = f"{needed_bytes:,} bytes needed, " if needed_bytes else ""
        super().__init__(
            f"{path}: cannot be written: {why} ({needed}{self.free_bytes:,} free); "
            "earlier checkpoints are intact"
        )


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


class CountingWriter:
    """Passes bytes on to a file and goes on counting after the file refuses them.

    torch's zip writer turns a failed write into "unexpected pos" and loses the reason. So the first
    ``OSError`` is kept in ``error``, the rest is dropped, and at the end we know both the reason and how many
    bytes would have been needed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.num_bytes = 0
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write ``data`` unless an earlier write failed; always claims success."""
        block = memoryview(data).cast("B")
        self.num_bytes += len(block)
        if self.error is None:
            try:
                half = len(block) // 2
                self._write_all(block[:half])
                fault_point("checkpoint.write.middle")
                self._write_all(block[half:])
            except OSError as error:
                self.error = error
        return len(block)

    def _write_all(self, block: memoryview) -> None:
        while block:  # one call writes at most 2 GiB on Linux, and less when the disk is about to be full
            block = block[self._file.write(block) :]


def temporary_sibling(path: Path) -> Path:
    """Where this process writes before it renames to ``path``."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def write_atomically(path: Path, write: Callable[[CountingWriter], None], *, point: str) -> int:
    """Create or replace ``path`` with what ``write`` writes; returns its size in bytes.

    Args:
        path: the file; its folder must exist.
        write: gets a writer with ``write(bytes)``.
        point: prefix of the fault points, ``checkpoint`` for instance.

    Raises:
        CheckpointWriteError: disk full, no permission, …; ``path`` is as it was and nothing is left over.
    """
    temporary = temporary_sibling(path)
    writer: CountingWriter | None = None
    try:
        fault_point(f"{point}.open.before")
        with open(temporary, "wb", buffering=0) as file:
            fault_point(f"{point}.open.after")
            writer = CountingWriter(file)
            fault_point(f"{point}.write.before")
            write(writer)
            if writer.error is not None:
                raise writer.error
            fault_point(f"{point}.write.after")
            fault_point(f"{point}.fsync.before")
            os.fsync(file.fileno())
            fault_point(f"{point}.fsync.after")
        fault_point(f"{point}.rename.before")
        os.replace(temporary, path)
        fault_point(f"{point}.rename.after")
        fault_point(f"{point}.folder_fsync.before")
        sync_folder(path.parent)
        fault_point(f"{point}.folder_fsync.after")
    except OSError as error:
        raise CheckpointWriteError(path, error, writer.num_bytes if writer else 0) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    assert writer is not None
    return writer.num_bytes


def link_atomically(source: Path, path: Path, *, point: str) -> None:
    """Make ``path`` a second name of ``source``; a copy where the file system has no hard links.

    Raises:
        CheckpointWriteError: it could not be done; ``path`` is as it was.
    """
    temporary = temporary_sibling(path)
    try:
        if path.exists() and path.samefile(source):
            return
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            _copy_to_disk(source, temporary)
        fault_point(f"{point}.rename.before")
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointWriteError(path, error, source.stat().st_size) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _copy_to_disk(source: Path, destination: Path) -> None:
    with open(source, "rb") as reader, open(destination, "wb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk, so that a rename survives a power cut (not on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> list[Path]:
    """Delete the temporary files of dead processes and of this one; returns what went."""
    removed = []
    for path in sorted(folder.glob(".*.tmp")):
        match = _TEMPORARY.fullmatch(path.name)
        if match is None or _is_another_living_process(int(match[1])):
            continue
        with contextlib.suppress(OSError):
            path.unlink()
            removed.append(path)
    return removed


def _is_another_living_process(process_id: int) -> bool:
    import psutil

    return process_id != os.getpid() and psutil.pid_exists(process_id)
