"""Compiled libraries, one a source file, kept in the user's cache and loaded with ctypes."""

import ctypes
import hashlib
import os
import re
import subprocess
from functools import cache
from pathlib import Path

from filelock import FileLock

from mlmodels.native.compiler import FLAGS, find_compiler, instruction_set, openmp

COMPILE_LIMIT_S = 120


class NativeUnavailableError(RuntimeError):
    """There is no compiled library, and why; the caller falls back to torch."""


@cache
def load_library(source: Path) -> ctypes.CDLL:
    """The library of `source`, compiled if the cache does not hold it yet (a few seconds, once a machine).

    The cache's key is the text of the source and of every header of ours that it includes, the compiler, its
    flags, torch's OpenMP and the processor: what changes any of them compiles anew. `MLMODELS_NATIVE=off`
    refuses every library.

    Raises:
        NativeUnavailableError: no compiler, one that failed, a folder that cannot be written, or switched off.
    """
    if os.environ.get("MLMODELS_NATIVE", "").lower() in ("off", "0", "false"):
        raise NativeUnavailableError("MLMODELS_NATIVE is off")
    try:
        return ctypes.CDLL(str(_compiled(source)))
    except OSError as error:
        raise NativeUnavailableError(f"{source.name} cannot be used: {error}") from error


def cache_folder() -> Path:
    """Where libraries lie: `MLMODELS_CACHE`, or a folder in the user's cache."""
    own = os.environ.get("MLMODELS_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "proving-ground" / "native"


def _compiled(source: Path) -> Path:
    compiler = find_compiler()
    if compiler is None:
        raise NativeUnavailableError("no C++ compiler (g++ or clang++) is installed")
    parts = [compiler.version, *FLAGS, *openmp(), instruction_set(), *_texts(source)]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    folder = cache_folder()
    library = folder / f"{source.stem}-{digest}.so"
    if library.is_file():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{library.name}.lock"):
        if not library.is_file():
            _compile(compiler.command(source, library.with_suffix(".new")))
            library.with_suffix(".new").replace(library)  # another process never sees half a library
    return library


def _texts(source: Path, seen: set[Path] | None = None) -> list[str]:
    """The text of a file and of every file of ours that it includes, each once."""
    seen = set() if seen is None else seen
    if source in seen:
        return []
    seen.add(source)
    text = source.read_text(encoding="utf-8")
    included = [
        (source.parent / name).resolve() for name in re.findall(r'^#include "(.+)"', text, re.MULTILINE)
    ]
    return [text, *(part for path in included for part in _texts(path, seen))]


def _compile(command: list[str]) -> None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_LIMIT_S)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise NativeUnavailableError(f"the compiler took more than {COMPILE_LIMIT_S} s") from error
    if result.returncode != 0:
        reason = next((line for line in result.stderr.splitlines() if "error" in line), result.stderr[-200:])
        raise NativeUnavailableError(f"the compiler failed: {reason.strip()}")
