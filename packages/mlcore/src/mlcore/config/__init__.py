"""Configurations: strict sections, a YAML reader that knows its lines, and errors that name the right key."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.config.dumping import dump_config
    from mlcore.config.loading import FlagValue, find_config_file, load_config
    from mlcore.config.run_name import RunName, check_run_name, safe_run_name
    from mlcore.config.section import Section

__all__ = [
    "FlagValue",
    "RunName",
    "Section",
    "check_run_name",
    "dump_config",
    "find_config_file",
    "load_config",
    "safe_run_name",
]

# Imported on first use: a command line is taken apart without pydantic, which takes a quarter of a second.
_HOMES = {
    "FlagValue": "loading",
    "RunName": "run_name",
    "Section": "section",
    "check_run_name": "run_name",
    "dump_config": "dumping",
    "find_config_file": "loading",
    "load_config": "loading",
    "safe_run_name": "run_name",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlcore.config' has no attribute {name!r}")
    return getattr(import_module(f"mlcore.config.{_HOMES[name]}"), name)
