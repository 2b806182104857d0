"""The sanity battery: does a classifier's training stand on sound parts? The names come on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.sanity.battery import run_battery as run_battery
    from mlcore.sanity.check_result import CheckResult as CheckResult
    from mlcore.sanity.report import SanityError as SanityError
    from mlcore.sanity.report import SanityReport as SanityReport
    from mlcore.sanity.subject import SanitySubject as SanitySubject
    from mlcore.sanity.subject import plain_training as plain_training

_HOMES = {
    "CheckResult": "check_result",
    "SanityError": "report",
    "SanityReport": "report",
    "SanitySubject": "subject",
    "plain_training": "subject",
    "run_battery": "battery",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlcore.sanity' has no attribute {name!r}")
    return getattr(import_module(f"mlcore.sanity.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
