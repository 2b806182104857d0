"""Files of fixed content from mirrors into the cache: the first that gives the right bytes is taken."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from mldata.checksums import file_sha256
from mldata.errors import DataError
from mldata.locations import cache_folder
from mldata.progress import progress_line
from mldata.registry import DatasetSpec
from mldata.safe_names import check_name

ANSWER_WITHIN_S = 10.0  # for the connection, and again for each piece that is read
FILE_WITHIN_S = 600.0  # for one file from one mirror, however steadily it drips
LARGEST_BYTES = 1 << 27
_CHUNK_BYTES = 1 << 16
_OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")


class DownloadError(DataError):
    """No mirror gave the file. The caller adds where else the data could lie."""


class _MirrorError(Exception):
    """One mirror failed; the next is tried."""


def download_folder(name: str) -> Path:
    """The folder of the cache that a data set's files are fetched into."""
    return cache_folder() / "raw" / check_name(name, "data set")


def fetch_files(spec: DatasetSpec) -> Path:
    """Have every file of `spec.sha256` in the data set's folder of the cache; return the folder.

    A file that is there with the right SHA-256 stays, a damaged one is fetched again. A file appears whole or
    not at all; two processes fetch once.

    Raises:
        DownloadError: told to stay offline, no mirror has the file, or it cannot be written.
    """
    folder = download_folder(spec.name)
    if _missing(spec, folder):
        _require_online()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                for file_name in _missing(spec, folder):
                    _fetch_file(spec, file_name, folder / file_name)
        except OSError as error:
            raise DownloadError(f"{folder} cannot be written: {error.strerror or error}") from None
    return folder


def _missing(spec: DatasetSpec, folder: Path) -> list[str]:
    """The files that are not there, or damaged."""
    return [
        file_name
        for file_name, sha256 in spec.sha256.items()
        if not (folder / file_name).is_file() or file_sha256(folder / file_name) != sha256
    ]


def _require_online() -> None:
    for variable in _OFFLINE_VARIABLES:
        if os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}:
            raise DownloadError(f"{variable} is set")


def _fetch_file(spec: DatasetSpec, file_name: str, path: Path) -> None:
    """Fetch one file from the first mirror that has it; the caller holds the folder's lock."""
    part = path.with_name(f".{file_name}.part")
    failures = []
    try:
        for mirror in spec.mirrors:
            try:
                _fetch_from(f"{mirror.rstrip('/')}/{file_name}", part, spec.sha256[file_name])
            except _MirrorError as failure:
                failures.append(f"{urlsplit(mirror).netloc}: {failure}")
                continue
            part.replace(path)
            return
    finally:
        part.unlink(missing_ok=True)
    raise DownloadError(f"no mirror gave {file_name} ({'; '.join(failures) or 'there is none'})")


def _fetch_from(url: str, part: Path, sha256: str) -> None:
    """Write what `url` gives to `part`, and check it.

    Raises:
        _MirrorError: no answer, too slow, too large, or other bytes than `sha256` says.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise _MirrorError("no web address")
    deadline = time.monotonic() + FILE_WITHIN_S
    with _blamed_on_the_mirror():
        answer = urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S)  # noqa: S310 - checked above
    with answer, progress_line(f"fetching {url}") as advance, part.open("wb") as file:
        digest, num_bytes = _copy(answer.read1, file.write, deadline, advance)
        file.flush()
        os.fsync(file.fileno())
    if digest != sha256:
        raise _MirrorError(f"{num_bytes:,} bytes with a wrong SHA-256")


@contextmanager
def _blamed_on_the_mirror() -> Iterator[None]:
    """Errors of the network, TLS's too, lead to the next mirror; those of the disk do not pass through here."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise _MirrorError(f"HTTP {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise _MirrorError(str(reason) or type(reason).__name__) from None


def _copy(
    read: Callable[[int], bytes],
    write: Callable[[bytes], object],
    deadline: float,
    advance: Callable[[int], None],
) -> tuple[str, int]:
    """Copy until nothing comes; returns the SHA-256 (hex) and the number of bytes."""
    digest, num_bytes = hashlib.sha256(), 0
    while True:
        with _blamed_on_the_mirror():
            chunk = read(_CHUNK_BYTES)
        if not chunk:
            return digest.hexdigest(), num_bytes
        num_bytes += len(chunk)
        if num_bytes > LARGEST_BYTES:
            raise _MirrorError(f"more than {LARGEST_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise _MirrorError(f"not done after {FILE_WITHIN_S:g} s")
        digest.update(chunk)
        write(chunk)
        advance(len(chunk))
