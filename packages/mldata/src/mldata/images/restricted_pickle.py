"""Reads arrays out of a pickle without running anything that the pickle names.

A pickle is a program: it may call whatever it can import. Here it can import four names, and each of them is a
stand-in of ours that only keeps what it is given. Dictionaries, lists, numbers, text and bytes need no import.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mldata.errors import DataError

_DTYPES = {"u1": "u1", "i8": "<i8", "i4": "<i4", "f4": "<f4", "f8": "<f8"}
LARGEST_BYTES = 1 << 28


class _Array:
    """What a pickle says of an array: version, shape, dtype, whether by columns, bytes."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def made(self) -> np.ndarray:
        """The array itself; ValueError where the parts do not fit together."""
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise ValueError("an array without content")
        _, shape, dtype, by_columns, raw = self.state
        if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes | bytearray):
            raise ValueError("an array of objects")
        values = np.frombuffer(bytes(raw), dtype=dtype.plain)
        return values.reshape(shape, order="F" if by_columns else "C")


class _Dtype:
    """The name of an array's type of numbers."""

    def __init__(self, name: Any = None, *_: Any) -> None:
        self.name = name.decode("latin1") if isinstance(name, bytes) else name

    def __setstate__(self, state: Any) -> None:
        """Byte order and the like: only little-endian plain numbers are known here anyway."""
        if isinstance(state, tuple) and len(state) > 1 and state[1] in (">", b">"):
            raise ValueError("numbers in big-endian order")

    @property
    def plain(self) -> str:
        if self.name not in _DTYPES:
            raise ValueError(f"numbers of type {self.name!r}")
        return _DTYPES[self.name]


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.state = (1, shape, dtype, order in ("F", b"F"), buffer)
    return array


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """How Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise ValueError("bytes in a strange encoding")
    return text.encode("latin1")


_ADMITTED: Mapping[tuple[str, str], Callable[..., Any]] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise ValueError(f"it asks for {module}.{name}, which no array needs")
        return _ADMITTED[module, name]


def read_pickled_arrays(path: Path) -> Any:
    """What the pickle holds: dictionaries, lists, numbers, text and arrays of plain numbers. Bytes become text.

    Raises:
        DataError: it is too large, damaged, or asks for anything else.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise DataError(f"{path} is larger than {LARGEST_BYTES:,} bytes: not a batch of images")
    try:
        return _plain(_RestrictedUnpickler(io.BytesIO(path.read_bytes()), encoding="bytes").load())
    except Exception as error:  # a damaged pickle raises whatever its remains amount to
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path} cannot be read as pickled arrays: {reason}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.made()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin1")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"it holds a {type(value).__name__}")
