"""What a configuration may say about the learning rate over time. No torch import."""

import difflib
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mlcore.config.section import Section


class WarmupSection(Section):
    """Keys that schedules with an optional linear warm-up share."""

    warmup_steps: int = Field(
        default=0, ge=0, description="Optimizer steps over which the rate rises linearly to its full value."
    )


class ConstantSchedule(WarmupSection):
    """The same rate throughout."""

    type: Literal["constant"] = Field(default="constant", description="Name of the schedule.")


class CosineSchedule(WarmupSection):
    """Half a cosine from the full rate to the lowest (Loshchilov and Hutter, 2017, without restarts)."""

    type: Literal["cosine"] = Field(default="cosine", description="Name of the schedule.")
    min_factor: float = Field(
        default=0.0, ge=0, lt=1, description="Rate at the end, as a share of the full rate."
    )


class OneCycleSchedule(Section):
    """Up and down once (Smith and Topin, 2018). It has a warm-up of its own."""

    type: Literal["onecycle"] = Field(default="onecycle", description="Name of the schedule.")
    rise_fraction: float = Field(default=0.3, gt=0, lt=1, description="Share of the steps spent rising.")
    start_divisor: float = Field(default=25.0, ge=1, description="The first rate is the full rate over this.")
    end_divisor: float = Field(default=1e4, ge=1, description="The last rate is the first rate over this.")
    anneal: Literal["cosine", "linear"] = Field(default="cosine", description="Shape of both flanks.")


class PlateauSchedule(WarmupSection):
    """The rate falls whenever the monitored metric has stopped improving."""

    type: Literal["plateau"] = Field(default="plateau", description="Name of the schedule.")
    factor: float = Field(
        default=0.1, gt=0, lt=1, description="What the rate is multiplied with at a plateau."
    )
    patience: int = Field(
        default=10, ge=0, description="Evaluations without improvement that are put up with."
    )
    threshold: float = Field(default=1e-4, ge=0, description="Smallest change that counts as improvement.")
    threshold_mode: Literal["rel", "abs"] = Field(
        default="rel", description="Whether the threshold is a share of the best value or a difference."
    )
    cooldown: int = Field(
        default=0, ge=0, description="Evaluations to wait after a fall before counting again."
    )
    min_factor: float = Field(
        default=0.0, ge=0, lt=1, description="Lowest rate, as a share of the full rate."
    )


class StepSchedule(WarmupSection):
    """The rate is multiplied with gamma every step_size units."""

    type: Literal["step"] = Field(default="step", description="Name of the schedule.")
    step_size: int = Field(default=10, ge=1, description="Units between two falls.")
    gamma: float = Field(default=0.1, gt=0, le=1, description="What the rate is multiplied with at a fall.")
    unit: Literal["step", "epoch"] = Field(default="epoch", description="What is counted.")


class ExponentialSchedule(WarmupSection):
    """The rate is multiplied with gamma every unit."""

    type: Literal["exponential"] = Field(default="exponential", description="Name of the schedule.")
    gamma: float = Field(default=0.95, gt=0, le=1, description="What the rate is multiplied with every unit.")
    unit: Literal["step", "epoch"] = Field(default="epoch", description="What is counted.")


class NoamSchedule(Section):
    """Linear warm-up, then the inverse square root (Vaswani et al., 2017).

    ``learning_rate`` is the rate at the peak. The paper's own form has its peak at
    ``d_model ** -0.5 * warmup_steps ** -0.5``: give that as the learning rate to get it exactly.
    """

    type: Literal["noam"] = Field(default="noam", description="Name of the schedule.")
    warmup_steps: int = Field(default=4000, ge=1, description="Optimizer steps up to the peak.")


class WSDSchedule(WarmupSection):
    """Warm-up, stable, decay (Hu et al., 2024: MiniCPM; decay shapes of Hägele et al., 2024)."""

    type: Literal["wsd"] = Field(default="wsd", description="Name of the schedule.")
    decay_fraction: float = Field(
        default=0.2, gt=0, le=1, description="Share of all steps spent decaying, at the end."
    )
    shape: Literal["linear", "cosine", "sqrt"] = Field(
        default="sqrt", description="Shape of the decay; sqrt falls as one minus the square root."
    )
    min_factor: float = Field(
        default=0.0, ge=0, lt=1, description="Rate at the end, as a share of the full rate."
    )


_NAMES = ("constant", "cosine", "onecycle", "plateau", "step", "exponential", "noam", "wsd")


def _name_to_mapping(value: Any) -> Any:
    """``schedule: cosine`` is short for ``schedule: {type: cosine}``. Wrong names get a better message here."""
    keys = {"type": value} if isinstance(value, str) else value
    name = keys.get("type") if isinstance(keys, dict) else None
    if isinstance(name, str) and name not in _NAMES:
        nearest = difflib.get_close_matches(name, _NAMES, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"there is no schedule {name!r}{hint} (there are {', '.join(_NAMES)})")
    return keys


ScheduleConfig = Annotated[
    ConstantSchedule
    | CosineSchedule
    | OneCycleSchedule
    | PlateauSchedule
    | StepSchedule
    | ExponentialSchedule
    | NoamSchedule
    | WSDSchedule,
    Field(discriminator="type"),
    BeforeValidator(_name_to_mapping),
]
