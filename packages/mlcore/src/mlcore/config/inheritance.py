"""`base: other.yaml` in a configuration: what the file leaves out is taken from that file."""

import os
from collections.abc import Callable
from pathlib import Path

from mlcore.config.nodes import Node, merge_nodes
from mlcore.config.problems import Problem, config_error, shown
from mlcore.config.yaml_reader import read_yaml_file
from mlcore.errors import ConfigError

KEY = "base"
_MAX_GENERATIONS = 8
_TAG = "type"


def read_with_base(
    file: Path,
    source: str,
    *,
    rename: Callable[[Node], list[Problem]],
    find: Callable[[Path, Path], Path],
) -> tuple[Node, list[Problem]]:
    """Read a file and, laid under it, the file that its key `base` names, which may have a base itself.

    Sections are joined key by key. A section that gives another `type` than the base's replaces it whole, for the
    base's keys belong to the other type.

    Args:
        file: a regular file.
        source: its name in messages.
        rename: brings aliases of a tree to their real names.
        find: the file meant by a path, looked up in a folder; a ConfigError if there is none.

    Raises:
        ConfigError: a file cannot be read, or files are each other's base.
    """
    trees, problems = [], []
    while True:
        root, found = read_yaml_file(file, source)
        problems += [*found, *rename(root)]
        trees.append(root)
        base = root.value.pop(KEY, None) if isinstance(root.value, dict) else None
        if base is None:
            break
        if not isinstance(base.value, str):
            raise config_error([Problem(base.origin, KEY, f"the path of a file, not {shown(base.plain())}")])
        if len(trees) > _MAX_GENERATIONS:
            message = f"more than {_MAX_GENERATIONS} files on one another; is one its own base?"
            raise config_error([Problem(base.origin, KEY, message)])
        try:
            file = find(Path(base.value), file.parent)
        except ConfigError as error:
            raise config_error([Problem(base.origin, KEY, str(error))]) from None
        source = os.path.normpath(file)
    under = trees.pop()
    while trees:
        merge_nodes(under, trees.pop(), replaced=_is_of_another_type)
    return under, problems


def _is_of_another_type(base: dict[str, Node], change: dict[str, Node]) -> bool:
    return _TAG in base and _TAG in change and base[_TAG].value != change[_TAG].value
