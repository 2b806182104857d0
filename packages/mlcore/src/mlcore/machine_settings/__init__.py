"""The batch size and the number of threads that are fastest on this machine: measured once, kept, and looked up.

::

    found = find_settings(ProcessMeter("my_project.targets:training_step", {"config": config}), max_threads=8)
    keep_settings(found, question)
    ...
    settings = stored_settings(question)          # None where nobody has measured yet

Every candidate runs in a process of its own under a memory bound: to run out of memory is an answer, not a failure.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.machine_settings.answer import Answer as Answer
    from mlcore.machine_settings.answer import Candidate as Candidate
    from mlcore.machine_settings.choosing import find_settings as find_settings
    from mlcore.machine_settings.command import optimize_settings as optimize_settings
    from mlcore.machine_settings.measuring import ProcessMeter as ProcessMeter
    from mlcore.machine_settings.options import SETTINGS_OPTIONS as SETTINGS_OPTIONS
    from mlcore.machine_settings.store import Question as Question
    from mlcore.machine_settings.store import keep_settings as keep_settings
    from mlcore.machine_settings.store import stored_settings as stored_settings
    from mlcore.machine_settings.trainer_step import trainer_workload as trainer_workload

_HOMES = {
    "Answer": "answer",
    "Candidate": "answer",
    "ProcessMeter": "measuring",
    "Question": "store",
    "SETTINGS_OPTIONS": "options",
    "find_settings": "choosing",
    "keep_settings": "store",
    "optimize_settings": "command",
    "stored_settings": "store",
    "trainer_workload": "trainer_step",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlcore.machine_settings' has no attribute {name!r}")
    return getattr(import_module(f"mlcore.machine_settings.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
