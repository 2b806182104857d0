"""Turns what trainers log (tensors, numpy scalars, paths, pydantic models) into plain JSON values and back.

JSON has no NaN and no infinity. They are written as the strings "NaN", "Infinity" and "-Infinity";
`restore_numbers` reads these strings back as floats. Strings pass through `redact`, so no secret of the
environment is ever written.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from mlcore.logger.redaction import redact

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_plain(value: Any) -> Any:
    """`value` as dict, list, str, int, float, bool or None, ready for strict JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _float_to_plain(float(value))
    if isinstance(value, str):
        return redact(str(value))
    if isinstance(value, Mapping):
        return {redact(str(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray):
        return [to_plain(item) for item in value]
    return _object_to_plain(value)


def _float_to_plain(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _object_to_plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):  # pydantic
        return to_plain(value.model_dump(mode="json"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "tolist"):  # torch tensors and numpy arrays and scalars, of any device and dtype
        return to_plain(value.tolist())
    return redact(str(value))


def restore_numbers(value: Any) -> Any:
    """The inverse of `to_plain` for non-finite numbers, inside dicts and lists too."""
    if isinstance(value, str):
        return _NON_FINITE.get(value, value)
    if isinstance(value, dict):
        return {key: restore_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [restore_numbers(item) for item in value]
    return value


def json_bytes(value: Any, *, indent: int | None = None) -> bytes:
    """`value` as strict UTF-8 JSON. Lone surrogates become JSON escapes, so any Python string survives."""
    text = json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return text.encode("utf-8", errors="backslashreplace")


def write_json_atomic(path: Path, value: Any) -> None:
    """Writes `value` to `path` so that a reader sees the old file or the new one, never a part.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file is then still intact.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(json_bytes(value, indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable, on systems where a folder can be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
