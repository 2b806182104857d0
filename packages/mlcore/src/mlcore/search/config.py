"""What a search's YAML may hold."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlcore.config.run_name import RunName
from mlcore.config.section import Section

Number = int | float


class ParameterConfig(Section):
    """The values that one key may take: numbers between two bounds, or a list of choices.

    Two whole bounds mean whole numbers, unless the key of the configuration takes fractions.
    """

    low: Number | None = Field(default=None, description="Smallest value.")
    high: Number | None = Field(default=None, description="Largest value.")
    log: bool = Field(default=False, description="Numbers are even in their logarithm.")
    step: Number | None = Field(
        default=None, gt=0, description="Only low, low + step, …: no two values are nearer."
    )
    points: int | None = Field(
        default=None, ge=2, le=1000, description="grid: so many values from low to high, evenly spaced."
    )
    choices: list[Any] | None = Field(default=None, min_length=1, description="The values themselves.")

    @model_validator(mode="after")
    def _is_a_range_or_a_list(self) -> Self:
        if self.choices is not None:
            others = sorted(self.model_fields_set - {"choices"})
            if others:
                raise ValueError(f"choices stand alone, without {' and '.join(others)}")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        if self.low > self.high:
            raise ValueError(f"low is {self.low}, above high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, got {self.low}")
        if self.log and self.step is not None:
            raise ValueError("log and step do not go together; a grid takes points")
        if self.step is not None and self.points is not None:
            raise ValueError("step and points say the same thing twice: give one of them")
        return self


class SearchConfig(Section):
    """One search. What is trained, and which metric decides, is the base configuration's matter."""

    name: RunName = Field(default="search", description="Names the folder of the search.")
    method: Literal["tpe", "random", "grid"] = Field(
        default="tpe",
        description="tpe: tree-structured Parzen estimator (Bergstra et al., 2011); random; grid: every point once.",
    )
    trials: int | None = Field(
        default=None, ge=1, description="Trials in all; null: 20, or every point of a grid."
    )
    max_minutes: float | None = Field(
        default=None, gt=0, description="One call starts no trial after so many minutes."
    )
    trial_minutes: float | None = Field(
        default=None, gt=0, description="A trial that takes longer is stopped and counts as failed."
    )
    seed: int = Field(default=42, ge=0, lt=2**32, description="Of the choice of trials, and of every trial.")
    startup_trials: int = Field(
        default=10, ge=1, description="tpe: random trials before it learns from them."
    )
    space: dict[str, ParameterConfig] = Field(description="Dotted keys of the configuration.")

    @field_validator("space")
    @classmethod
    def _space_is_not_empty(cls, space: dict[str, ParameterConfig]) -> dict[str, ParameterConfig]:
        if not space:
            raise ValueError("name at least one key, such as training.learning_rate: {low: 1e-4, high: 0.1}")
        return space
