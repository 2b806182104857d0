"""Where a value came from, what is wrong with it, and what would be right: one line a problem."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlcore.errors import ConfigError

MAX_PROBLEMS_SHOWN = 20
MAX_CHARACTERS_SHOWN = 60


@dataclass(frozen=True)
class Origin:
    """The place of a value: a file and a line of it (0: the file as a whole), or the command line."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


COMMAND_LINE = Origin("command line")


@dataclass(frozen=True)
class Problem:
    """One mistake of the user. ``where`` is a dotted key, a flag, or empty when it belongs to no key."""

    origin: Origin
    where: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.origin), self.where, self.message) if part)


def config_error(problems: Iterable[Problem]) -> ConfigError:
    """All problems as one error, sorted by line; those of the command line come last."""
    in_order = sorted(problems, key=lambda problem: (problem.origin == COMMAND_LINE, problem.origin.line))
    lines = list(dict.fromkeys(str(problem) for problem in in_order))
    num_hidden = len(lines) - MAX_PROBLEMS_SHOWN
    if num_hidden > 0:
        lines[MAX_PROBLEMS_SHOWN:] = [f"and {num_hidden} more"]
    return ConfigError("\n".join(lines))


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``name``, whatever its case, dashes and underscores; None if none is near."""
    plain = {_plain(candidate): candidate for candidate in reversed(list(candidates))}
    matches = difflib.get_close_matches(_plain(name[:100]), plain, n=1, cutoff=0.6)
    return plain[matches[0]] if matches else None


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or nothing at all."""
    match = nearest(name, candidates)
    return "" if match is None else f"; did you mean {match!r}?"


def shown(value: object) -> str:
    """A value on one short line, as it would stand in YAML, control characters escaped."""
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= MAX_CHARACTERS_SHOWN else text[: MAX_CHARACTERS_SHOWN - 3] + "..."


def dotted(path: Sequence[str | int]) -> str:
    """``("a", "b", 0)`` as ``a.b[0]``, on one line whatever the keys hold."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{_shown_key(part)}" if text else _shown_key(part)
    return text


def listed(names: Sequence[object]) -> str:
    """``'a', 'b' or 'c'``."""
    words = [shown(name) for name in names]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _shown_key(key: str) -> str:
    return key if key.isprintable() and 0 < len(key) <= MAX_CHARACTERS_SHOWN else shown(key)


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_")
