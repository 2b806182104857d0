"""Sentence forms: a small context-free grammar with slots, written as plain text and compiled once.

A text of forms is a list of sections. A section has a name, a colon, and options that begin with a dash;
an option may go on in the next line:

    greet:
    - [h] {waved|smiled} at [f] and said, "{Hello|Good morning}, [f]!"
    - <shared_section> Then [h.he] sat down on a~ {old|new} chair.

`{a|b}` chooses, `<name>` puts in an option of another section, `[h.his]` is a form of a bound entity,
`[^h.he]` the same with a capital letter, `a~` becomes `a` or `an`. The options are equally likely.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Entity = Mapping[str, str]
# A part is literal text, a slot (entity, form, capitalised), or a choice (a list of sequences of parts).
Part = Any
Choice = list[tuple[Part, ...]]
Sections = dict[str, Choice]

_PIECE = re.compile(r"[{}|]|<\w+>|\[\^?\w+(?:\.\w+)?\]|[^{}|<\[]+")


class Grammar:
    """Compiled sections; names not found in this grammar are looked up in its parent."""

    def __init__(
        self, text: str, lists: Mapping[str, Iterable[str]] | None = None, parent: "Grammar | None" = None
    ):
        self.sections: Sections = {}
        self.parent = parent
        sources: dict[str, list[str]] = {name: list(words) for name, words in (lists or {}).items()}
        for name, options in split_sections(text).items():
            assert name not in sources, f"section {name} is defined twice"
            sources[name] = options
        # All sections exist before any is filled, so that references may point forwards.
        self.sections.update({name: [] for name in sources})
        for name, options in sources.items():
            self.sections[name].extend(self.compile(option) for option in options)
        self._inline: dict[str, tuple[Part, ...]] = {}

    def section(self, name: str) -> Choice:
        if name in self.sections:
            return self.sections[name]
        assert self.parent is not None, f"no section {name}"
        return self.parent.section(name)

    def inline(self, source: str) -> tuple[Part, ...]:
        """The parts of a form given in place, compiled at its first use."""
        if source not in self._inline:
            self._inline[source] = self.compile(source)
        return self._inline[source]

    def compile(self, source: str) -> tuple[Part, ...]:
        pieces = _PIECE.findall(source)
        assert "".join(pieces) == source, f"cannot read the form {source!r}"
        parts, position = self._sequence(pieces, 0, depth=0)
        assert position == len(pieces), f"unbalanced braces in {source!r}"
        return parts

    def _sequence(self, pieces: list[str], position: int, depth: int) -> tuple[tuple[Part, ...], int]:
        parts: list[Part] = []
        while position < len(pieces):
            piece = pieces[position]
            if depth and piece in "|}":
                break
            position += 1
            if piece == "{":
                choice, position = self._choice(pieces, position, depth + 1)
                parts.append(choice)
            else:
                parts.append(self._leaf(piece))
        return tuple(parts), position

    def _choice(self, pieces: list[str], position: int, depth: int) -> tuple[Choice, int]:
        options: Choice = []
        while True:
            parts, position = self._sequence(pieces, position, depth)
            options.append(parts)
            assert position < len(pieces), f"unclosed brace in {''.join(pieces)!r}"
            position += 1
            if pieces[position - 1] == "}":
                return options, position

    def _leaf(self, piece: str) -> Part:
        if piece[0] == "<":
            return self.section(piece[1:-1])
        if piece[0] != "[":
            return piece
        capital = piece[1] == "^"
        entity, _, form = piece[2 if capital else 1 : -1].partition(".")
        return entity, form, capital


def split_sections(text: str) -> dict[str, list[str]]:
    """The options of every section, as text."""
    sections: dict[str, list[str]] = {}
    options: list[str] = []
    for line in text.splitlines():
        content = line.strip()
        if not content:
            continue
        if not line.startswith((" ", "-")):
            assert content.endswith(":"), f"a section's name ends in a colon: {line!r}"
            assert content[:-1] not in sections, f"section {content[:-1]} is defined twice"
            options = sections.setdefault(content[:-1], [])
        elif content.startswith("- "):
            options.append(content[2:])
        else:
            options[-1] += " " + content
    return sections


def render(
    parts: Iterable[Part], entities: Mapping[str, Entity], random: Callable[[], float], out: list[str]
) -> None:
    """Append the text of the parts to `out`, choosing with `random`."""
    for part in parts:
        kind = type(part)
        if kind is str:
            out.append(part)
        elif kind is list:
            render(part[int(random() * len(part))], entities, random, out)
        else:
            entity, form, capital = part
            text = entities[entity][form]
            out.append(text[:1].upper() + text[1:] if capital else text)
