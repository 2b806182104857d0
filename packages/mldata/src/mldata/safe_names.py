"""Names that become folder names: checked here, once, so that no name can reach outside its folder."""

import re

from mldata.errors import UnsafeNameError

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_LONGEST = 100


def check_name(name: str, what: str = "name") -> str:
    """Return `name` if it can be used as one folder name on every system; raise `UnsafeNameError` otherwise.

    Allowed are ASCII letters, digits and `. _ + -`, beginning with a letter or digit, at most 100 characters.
    That leaves out separators, `..`, absolute paths, drive letters, NUL and characters that only look like a
    dot.
    """
    if _ALLOWED.fullmatch(name) and ".." not in name and not name.endswith(".") and len(name) <= _LONGEST:
        return name
    shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
    raise UnsafeNameError(
        f"{what} {shown!r} is not allowed: letters, digits and . _ + - only, beginning with a letter or digit"
    )
