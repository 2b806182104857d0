"""Recurrent networks: cells and stacks of our own, interchangeable with torch's, and what is built on them.

Names are imported when they are first used (PEP 562): `mlmodels.recurrent.config` needs no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "GRU": "stacks",
    "GRUCell": "cells",
    "LSTM": "stacks",
    "LSTMCell": "cells",
    "RNNCell": "cells",
    "RecurrentClassifier": "classifier",
    "RecurrentClassifierConfig": "config",
    "RecurrentLanguageModel": "language_model",
    "RecurrentLanguageModelConfig": "config",
    "VanillaRNN": "stacks",
    "detach_state": "state",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
