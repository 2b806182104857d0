"""What a configuration may say about the size of batches. No torch import."""

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    PositiveInt,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from mlcore.config.section import Section


class AutoBatchSize(int):
    """What stands for ``batch_size: auto`` until a command has looked up what was measured on this machine."""


def _auto_or_number(value: Any, check: ValidatorFunctionWrapHandler) -> int:
    if isinstance(value, AutoBatchSize) or (isinstance(value, str) and value == "auto"):
        return AutoBatchSize(0)  # no size: whoever takes it for one is told so
    if isinstance(value, str | bool):
        raise ValueError(f"expected a whole number or 'auto', got {value!r}")
    return check(value)


BatchSize = Annotated[int, Field(ge=1), WrapValidator(_auto_or_number)]


class BatchSizeSchedule(Section):
    """An update takes more and more samples, instead of smaller and smaller steps or beside them (Smith et al., 2018:
    "Don't decay the learning rate, increase the batch size").

    It takes them as more batches of batch_size each, so neither memory nor BatchNorm's statistics change.
    """

    epochs: tuple[PositiveInt, ...] = Field(
        min_length=1,
        max_length=8,
        description="After each of these numbers of epochs an update takes more batches.",
    )
    factor: int = Field(default=2, ge=2, le=64, description="How many times as many, each time.")

    @model_validator(mode="after")
    def _epochs_ascend(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise(self.epochs)):
            raise ValueError(f"epochs is {list(self.epochs)}: each number must be larger than the one before")
        return self

    def growth(self, epoch: int) -> int:
        """How many times as many batches make an update in epoch `epoch` (from 0) as in the first."""
        return self.factor ** sum(start <= epoch for start in self.epochs)
