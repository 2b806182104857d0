"""A search space beside the configuration that it changes: do its keys exist, and do they take its values?"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mlcore.config.annotations import Shape, field_shape, shape_of
from mlcore.config.loading import load_config
from mlcore.config.matching import aliases_of
from mlcore.errors import ConfigError
from mlcore.search.config import SearchConfig
from mlcore.search.space import Dimension, make_dimension

# What the search itself gives every trial.
_OWN_KEYS = ("name", "experiment_name", "seed", "training.seed", "training.monitor", "training.monitor_mode")
_COMMAND_LINE = "command line: "


def dimensions_of(search: SearchConfig, schema: type[BaseModel], base: Path) -> list[Dimension]:
    """The dimensions of a space whose keys and values the configuration takes.

    Every bound and every choice is tried alone on top of the base. What is wrong with one value beside the others of
    the base is left to the trials: another trial may change those, too.

    Args:
        schema: the root section of the project.
        base: the YAML that is searched around.

    Raises:
        ConfigError: one line for every key or value that cannot be.
    """
    problems: list[str] = []
    dimensions: list[Dimension] = []
    for key, parameter in search.space.items():
        if key in _OWN_KEYS:
            problems.append(f"space.{key}: the search sets this key itself")
            continue
        both_whole = isinstance(parameter.low, int) and isinstance(parameter.high, int)
        takes_fractions = fractions_allowed(schema, key)
        try:
            dimension = make_dimension(
                key, parameter, takes_fractions=not both_whole if takes_fractions is None else takes_fractions
            )
        except ConfigError as error:
            problems.append(str(error))
            continue
        dimensions.append(dimension)
        problems += _refused_values(dimension, schema, base)
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(f"search: {problem}" for problem in problems)))
    return dimensions


def _refused_values(dimension: Dimension, schema: type[BaseModel], base: Path) -> list[str]:
    start = f"{_COMMAND_LINE}{dimension.key}:"
    problems = []
    for text in dimension.texts_to_check():
        try:
            load_config(schema, base, overrides=[f"{dimension.key}={text}"])
        except ConfigError as error:
            lines = [line for line in str(error).splitlines() if line.startswith(start)]
            problems += [f"space.{line.removeprefix(_COMMAND_LINE)}" for line in lines]
    return problems


def fractions_allowed(schema: type[BaseModel], key: str) -> bool | None:
    """Whether a dotted key takes numbers that are not whole; None where the schema does not tell.

    Where a key exists in several sections of a union, it does if it does in one of them.
    """
    key = aliases_of(schema).get(key, key)
    shapes = [shape_of(schema)]
    for part in key.split("."):
        shapes = [inner for shape in shapes for inner in _fields(shape, part)]
    kinds: list[Any] = [member for shape in shapes for member in shape.members]
    if float in kinds:
        return True
    return False if int in kinds else None


def _fields(shape: Shape, name: str) -> list[Shape]:
    found = []
    for section in shape.sections:
        own_name = aliases_of(section).get(name, name)
        if own_name in section.model_fields:
            found.append(field_shape(section.model_fields[own_name]))
    return found
