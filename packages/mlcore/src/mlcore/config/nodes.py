"""The tree of a configuration before it is checked: each value knows its line and its name as written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlcore.config.problems import Origin, dotted
from mlcore.config.scalars import Scalar


@dataclass
class Node:
    """A scalar, a list or a mapping.

    Attributes:
        origin: the line of the key (in a mapping) or of the item (in a list).
        written: the key as the user wrote it: a dotted key, or a flag. Aliases are renamed, this stays.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    origin: Origin
    written: str = ""

    def plain(self) -> object:
        """The tree without its origins."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def label(node: Node, path: Sequence[str | int] = ()) -> Node:
    """Write its dotted key into every node below ``node``; returns ``node``."""
    node.written = dotted(path)
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            label(child, (*path, key))
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            label(child, (*path, index))
    return node


def find_node(root: Node, path: Sequence[str]) -> Node | None:
    """The node at ``path``, or None."""
    node = root
    for key in path:
        if not isinstance(node.value, dict) or key not in node.value:
            return None
        node = node.value[key]
    return node


def put_node(root: Node, path: Sequence[str], new: Node) -> None:
    """Set ``path`` to ``new``; what is not a mapping on the way (null, say) becomes one."""
    node = root
    for index, key in enumerate(path):
        if not isinstance(node.value, dict):
            node.value = {}
            node.origin = new.origin
        if index == len(path) - 1:
            node.value[key] = new
            return
        node = node.value.setdefault(key, Node({}, new.origin, dotted(path[: index + 1])))


def take_node(root: Node, path: Sequence[str]) -> Node | None:
    """Remove the node at ``path`` and return it, or None. Mappings that this empties go too."""
    first, *rest = path
    if not isinstance(root.value, dict) or first not in root.value:
        return None
    if not rest:
        return root.value.pop(first)
    child = root.value[first]
    taken = take_node(child, rest)
    if taken is not None and child.value == {}:
        del root.value[first]
    return taken


def merge_nodes(
    base: Node, override: Node, *, replaced: Callable[[dict[str, Node], dict[str, Node]], bool] | None = None
) -> None:
    """Lay ``override`` over ``base``: mappings are joined key by key, anything else is replaced.

    Args:
        replaced: of the entries of two mappings, whether the second takes the place of the first after all.
    """
    old, new = base.value, override.value
    if (
        not isinstance(old, dict)
        or not isinstance(new, dict)
        or (replaced is not None and replaced(old, new))
    ):
        base.value, base.origin, base.written = new, override.origin, override.written
        return
    for key, child in new.items():
        if key in old:
            merge_nodes(old[key], child, replaced=replaced)
        else:
            old[key] = child
