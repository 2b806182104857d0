"""How a study runs its jobs."""

import os
from dataclasses import dataclass

from mlcore.study.job import StudyError

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Settings:
    """The numbers that `run_study` was called with; see there.

    Raises:
        StudyError: a number that makes no sense.
    """

    num_workers: int
    threads_per_worker: int
    retries: int
    timeout_s: float | None
    grace_s: float

    def __post_init__(self) -> None:
        for name, least in (("num_workers", 1), ("threads_per_worker", 1), ("retries", 0), ("grace_s", 0)):
            value = getattr(self, name)
            if not value >= least:
                raise StudyError(f"{name} must be at least {least}, got {value}")
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise StudyError(f"timeout_s must be above 0, got {self.timeout_s}; None is no limit")

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every job: ours, with the threads limited and the output unbuffered, so that a log can be
        followed."""
        threads = dict.fromkeys(_THREAD_VARIABLES, str(self.threads_per_worker))
        return {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **os.environ, **threads}
