"""How far the outputs of a file that was read back are from those of the model that was written."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mlcore.errors import UserError


class ExportError(UserError):
    """What was read back is not the model that was written."""


@dataclass(frozen=True)
class Agreement:
    """The comparison over some examples.

    Attributes:
        num_examples: how many.
        largest_difference: of any output from the model's own.
        largest_output: of the model, in size.
        tolerance: what the difference may be, as a share of the largest output.
    """

    num_examples: int
    largest_difference: float
    largest_output: float
    tolerance: float

    @property
    def share(self) -> float:
        """The largest difference over the largest output; NaN where either is."""
        if self.largest_output == 0:
            return 0.0 if self.largest_difference == 0 else float("inf")
        return self.largest_difference / self.largest_output

    @property
    def holds(self) -> bool:
        """Whether the outputs agree; outputs that are no numbers never do."""
        return self.share <= self.tolerance

    def __str__(self) -> str:
        return (
            f"{self.largest_difference:.2g} at most, {self.share:.1e} of the largest output "
            f"(allowed {self.tolerance:.0e}), {self.num_examples:,} examples"
        )


def compare_outputs(found: Tensor, expected: Tensor, tolerance: float) -> Agreement:
    """Compare two tensors of outputs (N, ...).

    Raises:
        ExportError: their shapes differ, or there is nothing to compare.
    """
    if found.shape != expected.shape or expected.numel() == 0:
        raise ExportError(
            f"the file read back gives outputs of shape {tuple(found.shape)}, the model {tuple(expected.shape)}"
        )
    difference = (found.double() - expected.double()).abs().max()
    return Agreement(len(expected), float(difference), float(expected.double().abs().max()), tolerance)
