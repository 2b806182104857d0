"""Configuration and environment as HTML."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup, escape

_KEY = re.compile(r"^(?P<indent>[\s-]*)(?P<key>[\w.\"'-]+)(?P<colon>:)(?P<rest>.*)$")


def highlight_yaml(text: str) -> Markup:
    """YAML with its keys and comments in <span>s; everything is escaped."""
    return Markup("\n").join(_highlight_line(line) for line in text.splitlines())


def _highlight_line(line: str) -> Markup:
    if line.lstrip().startswith("#"):
        return Markup('<span class="comment">{}</span>').format(line)
    match = _KEY.match(line)
    if match is None:
        return escape(line)
    return Markup('{}<span class="key">{}</span>{}{}').format(
        match["indent"], match["key"], match["colon"], match["rest"]
    )


def flatten(environment: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as (path, text) rows: {"torch": {"version": "2.15"}} gives ("torch version", "2.15")."""
    rows: list[tuple[str, str]] = []
    for key, value in environment.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict):
            rows += flatten(value, f"{name} ")
        elif isinstance(value, list):
            rows.append((name, " ".join(str(item) for item in value)))
        elif value is not None:
            rows.append(
                (
                    name,
                    {True: "yes", False: "no"}.get(value, str(value))
                    if isinstance(value, bool)
                    else str(value),
                )
            )
    return rows
