"""Read a configuration: a YAML file on its base, then the command line's changes, checked against a schema."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mlcore.config.annotations import shape_of
from mlcore.config.inheritance import read_with_base
from mlcore.config.matching import DROPPED, Matcher, rename_aliases
from mlcore.config.messages import problems_of
from mlcore.config.nodes import Node, label, merge_nodes, put_node
from mlcore.config.problems import COMMAND_LINE, Origin, Problem, config_error, dotted, nearest, shown
from mlcore.config.scalars import read_scalar
from mlcore.config.yaml_reader import read_yaml
from mlcore.errors import ConfigError

SchemaT = TypeVar("SchemaT", bound=BaseModel)
_ENDINGS = ("", ".yaml", ".yml")


def load_config(
    schema: type[SchemaT],
    path: Path | None,
    *,
    overrides: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    search: Sequence[Path] = (),
) -> SchemaT:
    """Read and check a configuration.

    Args:
        schema: the root section.
        path: the YAML file; None for the defaults alone. See ``find_config_file`` for where it is looked up. Its key
            ``base`` names another file, looked up beside it, that says what this one leaves out.
        overrides: ``"a.b=v"`` each, the value as YAML would read it. Later ones win.
        flags: dotted key to value, from flags of the command line. Overrides win over them. A value may be a
            ``FlagValue``, which knows the flag's name for the messages.
        search: folders to look in after the current one.

    Returns:
        The frozen configuration.

    Raises:
        ConfigError: with one line for every problem of the file and of the command line.
    """
    root = Node({}, Origin("configuration"))
    problems: list[Problem] = []
    shape = shape_of(schema)
    if path is not None:
        root, problems = read_with_base(
            find_config_file(path, search),
            shown_path(path),
            rename=partial(rename_aliases, shape),
            find=lambda base, folder: _find(base, [folder]),
        )
    changes = [_flag_node(key, flag, problems) for key, flag in (flags or {}).items()]
    changes += [_override_node(text, problems) for text in overrides]
    for change in changes:
        if change is not None:
            problems += rename_aliases(shape, change)
            merge_nodes(root, change)
    matcher = Matcher(schema)
    values = matcher.match(root)
    problems += matcher.problems
    try:
        config = schema.model_validate({} if values is DROPPED else values)
    except ValidationError as error:
        problems += problems_of(error, matcher)
    except Exception as error:
        # A validator of the schema met values that it was not written for. They came from the user.
        message = f"these values do not go together: {type(error).__name__}: {shown(str(error))}"
        raise config_error([*problems, Problem(root.origin, "", message)]) from error
    if problems:
        raise config_error(problems)
    return config


class FlagValue:
    """A value given by a flag, read as YAML would read it.

    Args:
        flag: the flag as typed, for messages.
        text: its value; other types than text are taken as they are.
    """

    def __init__(self, flag: str, text: object) -> None:
        self.flag = flag
        self.value = text


def find_config_file(path: Path, search: Sequence[Path] = ()) -> Path:
    """The regular file meant by ``path``.

    A relative path is looked up in the current folder and then in each folder of ``search``, as it stands
    and with ``.yaml`` or ``.yml``.

    Raises:
        ConfigError: nothing there; names the nearest file that is.
    """
    return _find(path, [Path()] if path.is_absolute() else [Path(), *search])


def _find(path: Path, folders: Sequence[Path]) -> Path:
    try:
        for folder in folders:
            for ending in _ENDINGS:
                candidate = folder / f"{path}{ending}"
                if candidate.is_file():
                    return candidate
        is_something_else = path.exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{shown_path(path)}: cannot be read: {reason}") from None
    if is_something_else:
        raise ConfigError(
            f"{shown_path(path)}: {'a folder' if path.is_dir() else 'a device or pipe'}, not a file"
        )
    there = {str(file.relative_to(folder)): None for folder in folders for file in _yaml_files(folder)}
    match = nearest(str(path), there) or nearest(path.stem, there)
    near = f"; did you mean {match!r}?" if match else ""
    raise ConfigError(f"{shown_path(path)}: no such file{near}")


def shown_path(path: Path) -> str:
    """A path as it stands in messages: as given, on one line."""
    text = str(path)
    return text if text.isprintable() else shown(text)


def _yaml_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in ("*.yaml", "*.yml", "configs/*.yaml", "configs/*/*.yaml"):
        found += sorted(folder.glob(pattern))[:100]
    return found


def _flag_node(key: str, flag: object, problems: list[Problem]) -> Node | None:
    given = flag if isinstance(flag, FlagValue) else FlagValue(key, flag)
    return _change(key.split("."), given.value, given.flag, problems)


def _override_node(text: str, problems: list[Problem]) -> Node | None:
    key, equals, value = text.partition("=")
    keys = key.strip().split(".")
    if not equals or not all(keys):
        problems.append(
            Problem(COMMAND_LINE, "", f"{shown(text)}: write KEY=VALUE, as in training.learning_rate=3e-4")
        )
        return None
    return _change(keys, value, dotted(keys), problems)


def _change(keys: list[str], value: object, written: str, problems: list[Problem]) -> Node | None:
    """A tree that holds one value of the command line and nothing else."""
    try:
        leaf = label(_node_of(_read_value(value) if isinstance(value, str) else value), keys)
    except ValueError as error:
        problems.append(Problem(COMMAND_LINE, written, str(error)))
        return None
    leaf.written = written
    root = Node({}, COMMAND_LINE)
    put_node(root, keys, leaf)
    return root


def _read_value(text: str) -> Any:
    """A value of the command line: a YAML list, mapping or quoted text, or else a plain scalar."""
    text = text.strip()
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"text with a character that cannot be stored: {shown(text)}")
    if not text.startswith(("[", "{", '"', "'")):
        return read_scalar(text)
    try:
        root, problems = read_yaml(f"value: {text}", "command line")
    except ConfigError as error:
        raise ValueError(f"not a YAML value: {shown(text)}") from error
    if problems or list(root.value if isinstance(root.value, dict) else ()) != ["value"]:
        raise ValueError(f"not a YAML value: {shown(text)}")
    return root.plain()["value"]  # type: ignore[index]


def _node_of(value: object) -> Node:
    if isinstance(value, Mapping):
        return Node({str(key): _node_of(child) for key, child in value.items()}, COMMAND_LINE)
    if isinstance(value, list | tuple):
        return Node([_node_of(child) for child in value], COMMAND_LINE)
    assert value is None or isinstance(value, str | int | float | bool), value
    return Node(value, COMMAND_LINE)
