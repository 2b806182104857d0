"""The names that a run may have."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

MAX_NAME_BYTES = 100
_NAME = re.compile(r"\w[\w.+=@-]*")


def check_run_name(name: str) -> str:
    """Return ``name`` if it can be the beginning of a folder's name on every system.

    Raises:
        ValueError: with a name that would do.
    """
    is_good = _NAME.fullmatch(name) and ".." not in name and unicodedata.normalize("NFKC", name) == name
    if is_good and len(name.encode()) <= MAX_NAME_BYTES:
        return name
    short = name if len(name) <= 40 else name[:37] + "..."
    raise ValueError(
        f"{short!a} cannot name a folder; use letters, digits and . _ - + = @, at most "
        f"{MAX_NAME_BYTES} bytes, for example {safe_run_name(name)!r}"
    )


def safe_run_name(name: str) -> str:
    """A good name that looks like ``name``."""
    plain = unicodedata.normalize("NFKD", name[:1000]).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9_.+=@-]+", "-", plain)
    words = re.sub(r"\.{2,}", ".", words).strip("-.+=@")
    return words[:MAX_NAME_BYTES].rstrip("-.+=@") or "run"


RunName = Annotated[str, AfterValidator(check_run_name)]
"""The type of a ``name`` key: a wrong one is reported with its line, before anything is created."""
