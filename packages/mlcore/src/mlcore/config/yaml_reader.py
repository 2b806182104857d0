"""A YAML reader for configurations: every value keeps its line, and nothing but plain data comes out.

Scalars are read as YAML 1.2 reads them. Duplicate keys, tags, merge keys, several documents, and files that
are large, deep or blown up by aliases are refused. PyYAML only splits the text into events here: its own
constructors are never run.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from mlcore.config.nodes import Node, label
from mlcore.config.problems import Origin, Problem, config_error, shown
from mlcore.config.scalars import read_scalar

MAX_BYTES = 128 * 1024
MAX_DEPTH = 32
MAX_NODES = 10_000

_WORDS_FOR = (
    ("found character '\\t'", "a tab cannot indent here; use spaces"),
    ("found character", "this character cannot begin a value; put the text in quotes"),
    (
        "mapping values are not allowed",
        "expected one 'key: value' a line; is a colon missing above, or does text with ': ' lack its quotes?",
    ),
    ("could not find expected ':'", "expected 'key: value'"),
    ("expected <block end>", "this line does not line up with the ones above it"),
    ("found undefined alias", "this alias has no anchor before it"),
    ("special characters are not allowed", "a control character that YAML does not allow"),
    ("found unexpected end of stream", "a quote that is never closed"),
    ("expected ',' or ']'", "a list [...] with a missing comma or bracket"),
    ("expected ',' or '}'", "a mapping {...} with a missing comma or brace"),
)


class _Stop(Exception):
    """The text cannot be read any further."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read_yaml_file(path: Path, source: str) -> tuple[Node, list[Problem]]:
    """Read a file of keys and values.

    Args:
        path: a regular file.
        source: its name in messages.

    Returns:
        The tree (an empty mapping for an empty file) and the problems that did not stop the reading
        (duplicate keys).

    Raises:
        ConfigError: the file cannot be read to its end.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise config_error([Problem(Origin(source), "", f"cannot be read: {reason}")]) from None
    return read_yaml(_decode(data, source), source)


def read_yaml(text: str, source: str) -> tuple[Node, list[Problem]]:
    """As ``read_yaml_file``, for text at hand."""
    if len(text) > MAX_BYTES:
        raise config_error(
            [Problem(Origin(source), "", f"larger than {MAX_BYTES // 1024} KiB: not a configuration")]
        )
    reader = _Reader(text, source)
    try:
        root = reader.document()
    except _Stop as stop:
        reader.problems.append(Problem(Origin(source, stop.line), "", str(stop)))
        raise config_error(reader.problems) from None
    return label(root), reader.problems


def _decode(data: bytes, source: str) -> str:
    if len(data) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1024} KiB: not a configuration"
        raise config_error([Problem(Origin(source), "", message)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(Origin(source, line), "", "not UTF-8 text; save the file as UTF-8")
        raise config_error([problem]) from None


class _Reader:
    """One text, read once."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._events = self._safe_events(text)
        self._anchors: dict[str, Node | None] = {}
        self._num_nodes = 0

    def document(self) -> Node:
        next(self._events)  # the stream's start
        event = next(self._events)
        root = Node({}, Origin(self.source))
        if isinstance(event, yaml.DocumentStartEvent):
            root = self._node(next(self._events), depth=0)
            next(self._events)  # the document's end
            event = next(self._events)
            if not isinstance(event, yaml.StreamEndEvent):
                raise _Stop(_line_of(event), "a second document ('---'); a file holds one configuration")
        if root.value is None:
            root.value = {}
        if not isinstance(root.value, dict):
            raise _Stop(root.origin.line, f"expected 'key: value' lines, got {shown(root.plain())}")
        return Node(root.value, Origin(self.source))

    def _safe_events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            raise _Stop(*_line_and_words(error)) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise _Stop(line, "a control character that YAML does not allow") from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # PyYAML lets ValueError and OverflowError out for "\UFFFFFFFF" and for %YAML 1.<5,000 digits>.
            raise _Stop(0, f"not YAML: {shown(str(error))}") from None

    def _node(self, event: yaml.Event, depth: int) -> Node:
        line = _line_of(event)
        self._count(line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        if depth > MAX_DEPTH:
            raise _Stop(line, f"more than {MAX_DEPTH} levels of nesting")
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent), event
        anchor, tag = event.anchor, event.tag
        if tag is not None:
            raise _Stop(line, f"tags such as {shown(tag)} are not allowed; write plain values")
        if anchor is not None:
            self._anchors[anchor] = None
        origin = Origin(self.source, line)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(self._scalar(event, line), origin)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node(self._items(depth), origin)
        else:
            node = Node(self._pairs(depth), origin)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> str | int | float | bool | None:
        text = event.value
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
            raise _Stop(line, f"text with a character that cannot be stored: {shown(text)}")
        if not event.implicit[0]:
            return text
        try:
            return read_scalar(text)
        except ValueError as error:
            raise _Stop(line, str(error)) from None

    def _items(self, depth: int) -> list[Node]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _pairs(self, depth: int) -> dict[str, Node]:
        pairs: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line_of(event)
            key = self._key(event, line)
            node = self._node(next(self._events), depth + 1)
            node.origin = Origin(self.source, line)
            if key in pairs:
                first = pairs[key].origin.line
                self.problems.append(
                    Problem(node.origin, shown(key), f"this key stands already on line {first}")
                )
            else:
                pairs[key] = node
        return pairs

    def _key(self, event: yaml.Event, line: int) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
            raise _Stop(line, "a key must be a plain word")
        if event.implicit[0] and event.value == "<<":
            raise _Stop(line, "merge keys ('<<') are not allowed; write the keys out")
        if not event.value:
            raise _Stop(line, "a value without a key")
        self._scalar(event, line)
        return str(event.value)

    def _alias(self, event: yaml.AliasEvent, line: int) -> Node:
        if event.anchor not in self._anchors:
            raise _Stop(line, f"alias *{event.anchor} has no anchor before it")
        node = self._anchors[event.anchor]
        if node is None:
            raise _Stop(line, f"alias *{event.anchor} stands inside its own anchor")
        return self._copy(node, line)

    def _copy(self, node: Node, line: int) -> Node:
        self._count(line)
        origin = Origin(self.source, line)
        if isinstance(node.value, dict):
            return Node({key: self._copy(child, line) for key, child in node.value.items()}, origin)
        if isinstance(node.value, list):
            return Node([self._copy(child, line) for child in node.value], origin)
        return Node(node.value, origin)

    def _count(self, line: int) -> None:
        self._num_nodes += 1
        if self._num_nodes > MAX_NODES:
            raise _Stop(line, f"more than {MAX_NODES} values (aliases counted as often as used)")


def _line_of(event: yaml.Event) -> int:
    mark = event.start_mark
    assert mark is not None  # PyYAML marks all events that it reads
    return mark.line + 1


def _line_and_words(error: yaml.MarkedYAMLError) -> tuple[int, str]:
    problem = error.problem or "not YAML"
    words = next((ours for theirs, ours in _WORDS_FOR if theirs in problem), f"not YAML: {problem}")
    mark = error.problem_mark or error.context_mark
    if problem.startswith(("could not find", "found unexpected end")) and error.context_mark is not None:
        mark = error.context_mark  # where the key or the quote begins; the problem's own mark comes after it
    return (mark.line + 1 if mark is not None else 0), words
