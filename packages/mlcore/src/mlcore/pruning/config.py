"""The section of a configuration that says what is pruned. Imports no torch."""

from typing import Literal

from pydantic import Field

from mlcore.config import Section


class PruningConfig(Section):
    """What is taken out of the trained weights with which a run begins; it stays out while they are trained on."""

    method: Literal["magnitude", "filters"] = Field(
        default="magnitude",
        description="magnitude: single weights, the smallest; filters: whole filters, those of smallest norm",
    )
    scope: Literal["network", "layer"] | None = Field(
        default=None,
        description="compare within the network or within each layer; null: network for magnitude, layer for filters",
    )
    amount: float = Field(
        default=0.5, gt=0, lt=1, description="share of the weights, or of the filters, that is taken out"
    )
    of: str | None = Field(default=None, description="the run whose weights these are; for the reader")

    @property
    def compares_within(self) -> Literal["network", "layer"]:
        """The scope that is said or follows from the method."""
        return self.scope or ("network" if self.method == "magnitude" else "layer")
