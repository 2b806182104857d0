"""Five eras of the decoder-only transformer, from 2017 to 2026, as one model composed of small parts.

Names are imported when they are first used (PEP 562): `mlmodels.transformer_eras.config` needs no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {"EraTransformer": "model", "EraTransformerConfig": "config"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
