"""SHA-256 of files, computed once per file and process, and compared with what a data folder states."""

import hashlib
from functools import lru_cache
from pathlib import Path

from mldata.errors import DataError

LISTING = "SHA256SUMS"


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file; remembered while the file's inode, size and time of change stay the same."""
    status = path.stat()
    return _hash(path, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))


@lru_cache(maxsize=256)
def _hash(path: Path, _identity: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(path: Path, root: Path, expected: str | None = None) -> None:
    """Compare a file with `expected`, or else with its line in `SHA256SUMS` of the data folder, if there is
    one.

    Raises:
        DataError: another SHA-256: the file is damaged, or not the version that it should be.
    """
    wanted = expected or _listed(root).get(path.relative_to(root).as_posix())
    if wanted is not None and file_sha256(path) != wanted:
        raise DataError(
            f"{path} is damaged or another version: its SHA-256 is not {wanted[:16]}…; fetch it again"
        )


def _listed(root: Path) -> dict[str, str]:
    """`SHA256SUMS` as sha256sum writes it: path -> digest."""
    try:
        lines = (root / LISTING).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {path.lstrip("*").removeprefix("./"): digest for digest, path in (p for p in pairs if len(p) == 2)}
