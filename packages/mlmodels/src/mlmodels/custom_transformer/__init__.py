"""A decoder-only transformer whose gradients are written by hand: no autograd anywhere in its training path.

Names are imported when they are first used (PEP 562): `mlmodels.custom_transformer.config` needs no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AdamW": "optimizers",
    "AutogradTransformer": "twin",
    "CustomTransformer": "model",
    "CustomTransformerConfig": "config",
    "CustomTransformerWrapper": "wrapper",
    "SGD": "optimizers",
    "parameter_groups": "optimizers",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
