"""Keeps secrets of the environment out of every file, line and tracker."""

from __future__ import annotations

import os
import re

_SECRET_NAME = re.compile(r"(API_?KEY|ACCESS_KEY|SECRET(_KEY)?|TOKEN|PASSWORD|PASSWD)$", re.IGNORECASE)
_SHORTEST_SECRET = 8  # shorter values would blank ordinary words


def secret_values() -> dict[str, str]:
    """Values of environment variables whose names end like secrets, by value: the name to show instead."""
    return {
        value: name
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST_SECRET and _SECRET_NAME.search(name)
    }


def redact(text: str) -> str:
    """`text` with every secret value of the environment replaced by its variable's name.

    The environment is read at each call: a key that was set after import is hidden too.
    """
    # Longest first: one secret may be the beginning of another.
    for value, name in sorted(secret_values().items(), key=lambda pair: -len(pair[0])):
        text = text.replace(value, f"[{name} removed]")
    return text
