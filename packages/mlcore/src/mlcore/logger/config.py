"""The logging section of a configuration. No torch import: command lines must answer at once."""

from typing import Literal

from pydantic import Field

from mlcore.config.section import Section


class LoggingConfig(Section):
    """Where the numbers of a run go, besides its own folder."""

    mode: Literal["auto", "terminal", "notebook", "plain", "silent"] = Field(
        default="auto", description="How progress is shown; auto goes by what the output is."
    )
    use_tensorboard: bool = Field(default=True, description="Write TensorBoard events into the run folder.")
    use_wandb: bool = Field(default=False, description="Log to Weights & Biases too.")
    wandb_project: str | None = Field(default=None, description="Project name there.")
