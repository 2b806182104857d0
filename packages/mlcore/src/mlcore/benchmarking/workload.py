"""What a target hands to the benchmark: a step to be timed, and what it is worth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Measurable(Protocol):
    """What the worker needs of a target's result; the other attributes of `Workload` may be missing."""

    @property
    def step(self) -> Callable[[], object]: ...

    @property
    def items_per_step(self) -> float: ...


@dataclass(frozen=True)
class Workload:
    """A model that is ready for its first step.

    Attributes:
        step: one whole step, with everything that belongs to it: of training forward, backward, clipping, update and
            reading the loss. A number that it returns is kept: equal losses show that variants do the same work.
        items_per_step: tokens or samples.
        flops_per_step: floating-point operations that the model needs for it, whatever the code spends; 0: unknown.
        dtype: of the matrix products ("float32", "bfloat16", …), for the yardstick; None: no yardstick.
        device: where it computes.
        synchronize: waits until the device is done; None: the device's own way.
        close: called at the end, in the same process.
        facts: whatever else a reader should know, ready for JSON (parameters, context, …). Tables show ``parameters``
            where they differ, and samples a second where ``items_per_sample`` says what a sample is.
    """

    step: Callable[[], object]
    items_per_step: float
    flops_per_step: float = 0.0
    dtype: str | None = None
    device: str = "cpu"
    synchronize: Callable[[], object] | None = None
    close: Callable[[], object] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
