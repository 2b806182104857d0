"""Proof of the hand-written gradients: every op and every parameter, against autograd and central
differences.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "GradientReport": "report",
    "GradientRow": "report",
    "check_model": "model_checks",
    "check_op": "op_checks",
    "discover_ops": "op_checks",
    "run_gradient_report": "run",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
