"""config.yaml of a run as plain values, fast: a ledger of a thousand runs must not take ten seconds to open.

The strict reader of configurations keeps the line of every value and takes 9 ms for a file; this one takes 0.6 ms by
having libyaml split the text. What is not as `dump_config` writes it goes to the strict reader, for its words.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mlcore.config.scalars import read_scalar
from mlcore.config.yaml_reader import MAX_BYTES, MAX_DEPTH, read_yaml_file

_LOADER = getattr(yaml, "CSafeLoader", None)


class _Unusual(Exception):
    """Not what `dump_config` writes."""


def read_plain_config(path: Path) -> dict[str, Any]:
    """The nested values of a configuration file.

    Raises:
        ConfigError: it cannot be read; names the line.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode()
    except (OSError, ValueError):
        return _strictly(path)
    try:
        return plain_config(text)
    except (_Unusual, ValueError, yaml.YAMLError):
        return _strictly(path)


def plain_config(text: str) -> dict[str, Any]:
    """The nested values of a configuration's text, which is as `dump_config` writes it.

    Raises:
        _Unusual, ValueError, yaml.YAMLError: it is not.
    """
    if _LOADER is None or len(text) > MAX_BYTES:
        raise _Unusual
    # Events, not PyYAML's tree: that is built by recursion in C, which deep nesting crashes.
    events = yaml.parse(text, Loader=_LOADER)
    for expected in (yaml.StreamStartEvent, yaml.DocumentStartEvent):
        if not isinstance(next(events), expected):
            raise _Unusual
    root = _value(next(events), events, 0)
    if not isinstance(root, dict) or not isinstance(next(events), yaml.DocumentEndEvent):
        raise _Unusual
    if not isinstance(next(events), yaml.StreamEndEvent):
        raise _Unusual
    return root


def _value(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Any:
    if isinstance(event, yaml.ScalarEvent):
        if event.anchor or event.tag:
            raise _Unusual
        return read_scalar(event.value) if event.implicit[0] else event.value
    if not isinstance(event, yaml.CollectionStartEvent) or event.anchor or event.tag or depth > MAX_DEPTH:
        raise _Unusual
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_value(event, events, depth + 1))
        return items
    pairs: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _key(event)
        if key in pairs:
            raise _Unusual
        pairs[key] = _value(next(events), events, depth + 1)
    return pairs


def _key(event: yaml.Event) -> str:
    if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
        raise _Unusual
    if not event.value or event.value == "<<":
        raise _Unusual
    return event.value


def _strictly(path: Path) -> dict[str, Any]:
    from mlcore.config.problems import config_error

    root, problems = read_yaml_file(path, path.name)
    if problems:
        raise config_error(problems)
    content = root.plain()
    assert isinstance(content, dict), type(content)
    return content
