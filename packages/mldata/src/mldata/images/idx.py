"""IDX files, the format of MNIST (LeCun, Cortes and Burges, 1998): a magic number, dimensions, values.

Bytes 0 and 1 are zero, byte 2 says the type, byte 3 the number of dimensions; then each dimension as a
big-endian 32-bit integer, then the values, row by row, big-endian. A file may be compressed with gzip.
"""

import gzip
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError

_TYPES = {0x08: "|u1", 0x09: "|i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CODES = {np.dtype(text).newbyteorder("="): code for code, text in _TYPES.items()}
_MOST_DIMENSIONS = 32
_CHUNK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_MOST_EXPANSION = 1032  # of deflate: 258 bytes for two bits at best


class _Header(NamedTuple):
    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_idx(path: str | Path) -> NDArray:
    """The array of an IDX file, in native byte order; its content, not its name, says whether it is gzipped.

    Memory is asked for only after the file was found large enough to hold what its header promises.

    Raises:
        DataError: no such file, not IDX, cut off, damaged, or with bytes behind its end (one line, with the
            path).
    """
    path = Path(path)
    with _opened(path) as (file, most_bytes):
        header = _read_header(file, path)
        if header.num_bytes > most_bytes:
            raise DataError(
                f"{path} is cut off or no IDX file: its header promises {header.num_bytes:,} bytes of shape "
                f"{header.shape}, it can hold {most_bytes:,} at most"
            )
        data = _read_values(file, header, path)
    values = data.view(header.dtype).reshape(header.shape)
    return values.astype(header.dtype.newbyteorder("="), copy=False)


def read_shape(path: str | Path) -> tuple[int, ...]:
    """The dimensions that an IDX file states; its values are not read.

    Raises:
        DataError: as `read_idx`.
    """
    with _opened(Path(path)) as (file, _):
        return _read_header(file, Path(path)).shape


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file, unpacked if it is gzipped, and the most bytes that can come out of it."""
    try:
        with path.open("rb") as raw:
            size = os.fstat(raw.fileno()).st_size
            packed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not packed:
                yield raw, size
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked, size * _MOST_EXPANSION  # type: ignore[misc]
    except (OSError, EOFError, zlib.error) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"cannot read {path}: {what}") from None
    except MemoryError:
        raise DataError(f"{path} does not fit into this machine's memory") from None


def _read_header(file: BinaryIO, path: Path) -> _Header:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        raise DataError(
            f"{path} is no IDX file: it begins with {magic.hex() or 'nothing'}, "
            "MNIST's images with 00000803, its labels with 00000801"
        )
    num_dimensions = magic[3]
    if not 1 <= num_dimensions <= _MOST_DIMENSIONS:
        raise DataError(f"{path} states {num_dimensions} dimensions; 1 to {_MOST_DIMENSIONS} are possible")
    sizes = file.read(4 * num_dimensions)
    if len(sizes) < 4 * num_dimensions:
        raise DataError(f"{path} is cut off within its header of {4 + 4 * num_dimensions} bytes")
    shape = tuple(int(size) for size in np.frombuffer(sizes, dtype=">u4"))
    return _Header(np.dtype(_TYPES[magic[2]]), shape)


def _read_values(file: BinaryIO, header: _Header, path: Path) -> NDArray[np.uint8]:
    data = np.empty(header.num_bytes, dtype=np.uint8)
    filled = 0
    while filled < len(data):
        chunk = file.read(min(_CHUNK_BYTES, len(data) - filled))
        if not chunk:
            raise DataError(f"{path} is cut off: it holds {filled:,} of {len(data):,} bytes of values")
        data[filled : filled + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
        filled += len(chunk)
    if file.read(1):  # for gzip this also reads the checksum at the end
        raise DataError(f"{path} goes on behind the {header.num_bytes:,} bytes of shape {header.shape}")
    return data


def write_idx(path: str | Path, array: NDArray) -> Path:
    """Write an array as IDX, whole or not at all; gzipped where the name ends in `.gz`, the same bytes each
    time.

    Raises:
        DataError: a type that IDX has not, no dimension or too many.
    """
    path, code = Path(path), _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        allowed = ", ".join(str(dtype) for dtype in _CODES)
        raise DataError(f"{path}: IDX holds no {array.dtype}; it holds {allowed}")
    if not 1 <= array.ndim <= _MOST_DIMENSIONS:
        raise DataError(f"{path}: an array of {array.ndim} dimensions; 1 to {_MOST_DIMENSIONS} are possible")
    content = bytes((0, 0, code, array.ndim)) + np.array(array.shape, dtype=">u4").tobytes()
    content += np.ascontiguousarray(array, dtype=_TYPES[code]).tobytes()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
