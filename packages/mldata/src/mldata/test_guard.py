"""The test split stays shut while a model is trained or chosen: whoever opens it then gets an error."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mldata.errors import DataError


class ClosedSplitError(DataError):
    """The test split was opened where only training and validation data belong."""


_lock = threading.Lock()
_num_closings = 0


@contextmanager
def test_split_closed() -> Iterator[None]:
    """Inside, `load_images(…, "test")` and `load_labelled_text(…, "test")` raise `ClosedSplitError`, in every thread of
    the process; may be nested.

    Hashes of the test images stay open (`image_hashes`), so that training data can be compared with them.
    """
    global _num_closings
    with _lock:
        _num_closings += 1
    try:
        yield
    finally:
        with _lock:
            _num_closings -= 1


test_split_closed.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def require_open(name: str) -> None:
    """Return if the test split of data set `name` may be opened now; raise `ClosedSplitError` otherwise."""
    if _num_closings:
        raise ClosedSplitError(
            f"the test split of {name!r} is closed here: training and selection see 'train' and "
            "'validation' only; evaluate opens 'test'"
        )
