"""One checkpoint file: a ``torch.save`` archive that carries its own proof of being whole.

``torch.save`` writes a zip archive, and a zip archive may end in a comment. Ours is a line of JSON (step,
metric, …) and the SHA-256 of every byte before it. So a single file copied to another place can still be
verified, ``torch.load`` reads it by hand, and a file that lost its tail, or one bit, is refused before any
tensor is used::

    [zip archive of torch.save] {"metric":2.5,"monitor":"val_loss","sequence":3,"step":100} sha256:9f86d0…

Loading never executes anything: ``weights_only=True`` admits tensors and plain containers and nothing else.
"""

import hashlib
import json
import math
import re
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from mlcore.checkpoint.atomic_file import CountingWriter, write_atomically
from mlcore.errors import CheckpointError

_END_OF_ARCHIVE = struct.Struct("<4s4H2LH")  # the last field is the length of the comment
_END_MAGIC = b"PK\x05\x06"
_COMMENT = re.compile(rb'(\{"[^\n]*\}) sha256:([0-9a-f]{64})')
_LONGEST_COMMENT = 4096
_BLOCK = 1 << 20


@dataclass(frozen=True)
class FileInfo:
    """What a checkpoint file says of itself in its last line.

    ``sequence`` counts the saves in one folder: the newest is the one saved last, whatever its step.
    """

    step: int
    metric: float | None
    monitor: str
    sequence: int


@dataclass(frozen=True)
class WrittenFile:
    """A file as it was written: ``sha256`` and ``size`` are those of the whole file."""

    sha256: str
    size: int


class _ArchiveWriter:
    """Hashes an archive on its way to the disk, and makes room in its last field for the comment."""

    def __init__(self, writer: CountingWriter) -> None:
        self._writer = writer
        self._hash = hashlib.sha256()
        self._held_back = b""

    def write(self, data: Any) -> int:
        block = memoryview(data).cast("B")
        if len(block) > 2:  # the last two bytes of the archive are the length of its comment
            self._pass_on(self._held_back)
            self._pass_on(block[:-2])
            self._held_back = bytes(block[-2:])
        else:
            pending = self._held_back + bytes(block)
            self._pass_on(pending[:-2])
            self._held_back = pending[-2:]
        return len(block)

    def flush(self) -> None:
        """Asked for by torch; ``write_atomically`` flushes."""

    def _pass_on(self, data: bytes | memoryview) -> None:
        if len(data):
            self._hash.update(data)
            self._writer.write(data)

    def finish(self, info: FileInfo) -> str:
        """Write the comment; returns the SHA-256 of the whole file."""
        assert self._held_back == b"\0\0", "torch.save wrote a comment of its own"
        header = _encode_info(info)
        self._pass_on((len(header) + 72).to_bytes(2, "little"))
        self._pass_on(header)
        self._pass_on(f" sha256:{self._hash.hexdigest()}".encode())
        return self._hash.hexdigest()


def _encode_info(info: FileInfo) -> bytes:
    metric = info.metric if info.metric is None or math.isfinite(info.metric) else str(info.metric)
    fields = {"metric": metric, "monitor": info.monitor, "sequence": info.sequence, "step": info.step}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _decode_info(text: bytes) -> FileInfo:
    fields = json.loads(text)
    metric = None if fields["metric"] is None else float(fields["metric"])
    return FileInfo(int(fields["step"]), metric, str(fields["monitor"]), int(fields["sequence"]))


def write_checkpoint_file(path: Path, state: Mapping[str, Any], info: FileInfo) -> WrittenFile:
    """Write ``state`` to ``path`` atomically.

    Raises:
        TypeError: ``state`` holds something that could not be loaded again; names its place.
        CheckpointWriteError: the disk refused; ``path`` is as it was.
    """
    import torch

    plain = dict(state)
    check_loadable(plain)
    sha256 = ""

    def write(writer: CountingWriter) -> None:
        nonlocal sha256
        archive = _ArchiveWriter(writer)
        torch.save(plain, cast("IO[bytes]", archive))  # it asks for write and flush only
        sha256 = archive.finish(info)

    size = write_atomically(path, write, point="checkpoint")
    return WrittenFile(sha256, size)


def check_loadable(value: object, place: str = "state") -> None:
    """Refuse what ``torch.load(weights_only=True)`` would refuse later, when it is too late.

    Raises:
        TypeError: names the place, ``state['rng']['numpy']`` for instance, and the type.
    """
    import torch

    plain = (bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size, type(None))
    kind = type(value)
    if kind in plain or kind in (torch.Tensor, torch.nn.Parameter):
        return
    if isinstance(value, dict) and kind in (dict, OrderedDict):
        for key, item in value.items():
            check_loadable(key, f"the key {key!r} of {place}")
            check_loadable(item, f"{place}[{key!r}]")
    elif isinstance(value, (list, tuple, set)) and kind in (list, tuple, set):
        for index, item in enumerate(value):
            check_loadable(item, f"{place}[{index}]")
    else:
        raise TypeError(
            f"{place} is a {kind.__module__}.{kind.__name__}: checkpoints hold tensors and plain values"
        )


def read_info(path: Path) -> FileInfo | None:
    """What the file says of itself, without proof; None when it is not one of ours or lost its end. Cheap."""
    try:
        with open(path, "rb") as file:
            comment = _read_comment(file)
        match = _COMMENT.fullmatch(comment or b"")
        return _decode_info(match[1]) if match else None
    except (OSError, ValueError, KeyError, TypeError, CheckpointError):
        return None


def _read_comment(file: BinaryIO) -> bytes | None:
    """The archive's comment, empty when it has none; None when the file is not a zip archive."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        return None
    size = file.seek(0, 2)
    file.seek(max(0, size - _LONGEST_COMMENT - _END_OF_ARCHIVE.size))
    tail = file.read()
    start = tail.rfind(_END_MAGIC)
    if start < 0 or len(tail) - start < _END_OF_ARCHIVE.size:
        raise CheckpointError("the end of the archive is missing")
    comment = tail[start + _END_OF_ARCHIVE.size :]
    if _END_OF_ARCHIVE.unpack_from(tail, start)[-1] != len(comment):
        raise CheckpointError("the end of the archive is damaged")
    return comment


def read_verified(
    path: Path, *, sha256: str | None = None, needs_proof: bool = False
) -> tuple[Any, FileInfo | None]:
    """The content of a checkpoint file, after its bytes were proven to be those once written.

    Args:
        path: the file.
        sha256: what a manifest says of the whole file, if one does.
        needs_proof: refuse files that carry no SHA-256 of their own (every file that we wrote does).

    Raises:
        CheckpointError: missing, damaged or not a checkpoint: one line without the path.
    """
    try:
        with open(path, "rb") as file:
            info = _verify(file, sha256, needs_proof)
            file.seek(0)
            return _load(file), info
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror or error}") from error


def _verify(file: BinaryIO, sha256: str | None, needs_proof: bool) -> FileInfo | None:
    comment = _read_comment(file)
    if not comment:
        if needs_proof:
            raise CheckpointError("damaged: its SHA-256 is missing")
        if sha256 is not None and _digests(file, 0)[1] != sha256:
            raise CheckpointError("damaged: the SHA-256 differs from the manifest's")
        if comment is not None:
            _check_zip(file)
        return None
    match = _COMMENT.fullmatch(comment)
    if match is None:
        raise CheckpointError("damaged: its last line is not readable")
    before, whole = _digests(file, 72)
    if before != match[2].decode():
        raise CheckpointError("damaged: the SHA-256 differs from the one written")
    if sha256 is not None and whole != sha256:
        raise CheckpointError("is intact, but not the file that the manifest lists")
    return _decode_info(match[1])


def _digests(file: BinaryIO, num_last: int) -> tuple[str, str]:
    """SHA-256 of the file without its last bytes, and of the whole."""
    remaining = file.seek(0, 2) - num_last
    file.seek(0)
    digest = hashlib.sha256()
    while remaining > 0 and (block := file.read(min(_BLOCK, remaining))):
        digest.update(block)
        remaining -= len(block)
    before = digest.hexdigest()
    digest.update(file.read())
    return before, digest.hexdigest()


def _check_zip(file: BinaryIO) -> None:
    """A file from elsewhere has no SHA-256, but it has CRC-32 sums, which torch does not look at."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"damaged archive: {error}") from error
    except Exception as error:  # zlib.error, struct.error, … : any of them means damage
        raise CheckpointError(f"damaged archive: {type(error).__name__}") from error
    if bad is not None:
        raise CheckpointError(f"damaged archive: checksum of {bad}")


def _load(file: BinaryIO) -> Any:
    import pickle

    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of what we are about to refuse in words of our own
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            "refused: it holds more than tensors and plain values, or is damaged"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # whatever the reader stumbled over, the file is to blame
        raise CheckpointError(f"damaged or not a checkpoint ({type(error).__name__})") from error


def load_checkpoint_file(path: str | Path) -> dict[str, Any]:
    """The state in one checkpoint file, on the CPU, verified, with nothing executed.

    Args:
        path: a ``.pt`` or ``.pth`` file of ours or of somebody else's; ``latest.pt`` finds ``last.pt`` and
            the like (see ``resolve_checkpoint``). A file that a ``manifest.json`` beside it lists must be the
            one listed.

    Raises:
        CheckpointError: missing, damaged, or holding more than tensors and plain values. One line.
    """
    from mlcore.checkpoint.folder_scan import sha256_in_manifest
    from mlcore.checkpoint.lookup import resolve_checkpoint
    from mlcore.checkpoint.manifest import read_manifest

    found = resolve_checkpoint(path)
    try:
        state, _ = read_verified(found, sha256=sha256_in_manifest(found, read_manifest(found.parent)))
    except CheckpointError as error:
        raise CheckpointError(f"{found}: {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{found}: holds a {type(state).__name__}, not a checkpoint")
    return state
