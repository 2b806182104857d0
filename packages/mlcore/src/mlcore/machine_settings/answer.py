"""What is tried on a machine, and what the machine answers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["ok", "out of memory", "too slow", "crashed"]


@dataclass(frozen=True, order=True)
class Candidate:
    """One setting; `threads` of None leaves them as they are."""

    batch_size: int
    threads: int | None = None

    def __str__(self) -> str:
        threads = "" if self.threads is None else f", {self.threads} thread{'' if self.threads == 1 else 's'}"
        return f"batch size {self.batch_size:,}{threads}"


@dataclass(frozen=True)
class Answer:
    """What came of a candidate.

    Attributes:
        items_per_s: of the median step; None unless the verdict is "ok".
        noise: standard error of that median, as a share of it.
        peak_memory_bytes: the most that its process, or the accelerator, held.
        device: where it computed.
        reason: why there is no rate, one line.
    """

    candidate: Candidate
    verdict: Verdict
    items_per_s: float | None = None
    noise: float = 0.0
    peak_memory_bytes: int | None = None
    device: str = "cpu"
    reason: str = ""

    @property
    def rate(self) -> float:
        """Items a second; 0 where there is no rate."""
        return self.items_per_s or 0.0

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Findings:
    """All answers, in the order in which they were asked for, and the setting that was chosen."""

    best: Answer
    answers: Sequence[Answer]
