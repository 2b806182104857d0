"""Hyper-parameter search: trials as plain processes of a project's own `train`, remembered in an Optuna journal.

::

    hatch run projects/mnist_classifier optimize --search searches/quickstart.yaml --workers 2

The folder of a search holds everything that it knows: ``search.yaml`` and ``base.yaml`` (what is searched, around
what), ``trials.journal`` (Optuna's), ``runs/`` and ``logs/`` (one a trial), and what came out: ``search.json``,
``search.png``, ``search.html`` and ``best.yaml``, which `train --config` takes. The same command goes on with what is
not done. The learning-rate range test lives here too: `find_learning_rate`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.search.command import optimize as optimize
    from mlcore.search.config import SearchConfig as SearchConfig
    from mlcore.search.growing_rate import range_test as range_test
    from mlcore.search.options import RANGE_TEST_OPTIONS as RANGE_TEST_OPTIONS
    from mlcore.search.options import SEARCH_OPTIONS as SEARCH_OPTIONS
    from mlcore.search.plan import SearchPlan as SearchPlan
    from mlcore.search.range_command import find_learning_rate as find_learning_rate
    from mlcore.search.range_curve import RangeTest as RangeTest
    from mlcore.search.runner import run_search as run_search

# Imported on first use: a command's --help must not wait for Optuna or torch.
_HOMES = {
    "RANGE_TEST_OPTIONS": "options",
    "RangeTest": "range_curve",
    "SEARCH_OPTIONS": "options",
    "SearchConfig": "config",
    "SearchPlan": "plan",
    "find_learning_rate": "range_command",
    "optimize": "command",
    "range_test": "growing_rate",
    "run_search": "runner",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlcore.search' has no attribute {name!r}")
    return getattr(import_module(f"mlcore.search.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
