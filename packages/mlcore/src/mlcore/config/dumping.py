"""Write a configuration as YAML that loads back to an equal one."""

import math
from typing import Any

import yaml
from pydantic import BaseModel

from mlcore.config.scalars import read_scalar


def dump_config(config: BaseModel, *, only_set: bool = False) -> str:
    """All keys of a configuration, defaults included, as YAML; or only those that were given.

    Text that YAML 1.1 or 1.2 would take for something else (``1e-3``, ``no``, ``0o17``) is quoted.
    """
    data = config.model_dump(mode="json", exclude_unset=only_set)
    # width: a long text stays on its line, so that files of two runs can be compared line by line.
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


class _Dumper(yaml.SafeDumper):
    """Plain YAML: no anchors, short lists on one line, text quoted wherever a reader could mistake it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    try:
        is_plain = isinstance(read_scalar(text), str)
    except ValueError:
        is_plain = False
    # Between double quotes all line breaks and control characters are escaped, those of Unicode too.
    style = (None if is_plain else "'") if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _float(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    if math.isfinite(number):
        text = repr(number)
        if "e" in text and "." not in text:
            text = text.replace("e", ".0e")  # YAML 1.1 takes 1e-05 for text
    else:
        text = ".nan" if math.isnan(number) else ".inf" if number > 0 else "-.inf"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


def _list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    is_short = all(item is None or isinstance(item, bool | int | float) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_short)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _float)
_Dumper.add_representer(list, _list)
