"""TensorBoard and W&B as one: a run logs once, each tracker that is on gets it, and none can do harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlcore.logger.tensorboard import TensorBoardWriter
from mlcore.logger.wandb_tracker import WandbTracker

_GROUPS = {"step": "train", "validation": "val", "epoch": "epoch"}


class Trackers:
    """The trackers of the run in `folder`; `warn` gets one sentence for each that fails."""

    def __init__(
        self,
        folder: Path,
        warn: Callable[[str], None],
        *,
        tensorboard: bool,
        wandb: bool,
        wandb_options: Mapping[str, Any],
    ) -> None:
        self._folder = folder
        self._warn = warn
        self._use_tensorboard = tensorboard
        self._use_wandb = wandb
        self._wandb_options = wandb_options
        self._tensorboard: TensorBoardWriter | None = None
        self._wandb: WandbTracker | None = None

    def start(self, *, after_step: int | None = None) -> None:
        """Opens the trackers; `after_step` is the step a resumed run continues from."""
        if self._use_tensorboard:
            if self._tensorboard is not None:
                self._tensorboard.close()
            purge_step = None if after_step is None else after_step + 1
            self._tensorboard = TensorBoardWriter(
                self._folder / "logs" / "tensorboard", self._warn, purge_step
            )
            self._tensorboard.prepare()
        if self._use_wandb and self._wandb is None:
            (self._folder / "logs").mkdir(parents=True, exist_ok=True)
            self._wandb = WandbTracker(self._folder, self._warn, **self._wandb_options)
            self._wandb.start()

    def record(self, kind: str, step: int, values: Mapping[str, Any], timing: Mapping[str, float]) -> None:
        """Sends the numbers of one record."""
        group = _GROUPS[kind]
        numbers = {f"{group}/{name}": value for name, value in flat_numbers(values).items()}
        if kind == "step" and "items_per_s" in timing:
            numbers |= {
                f"throughput/{name}": timing[name] for name in ("items_per_s", "tflops") if name in timing
            }
        if self._tensorboard is not None:
            self._tensorboard.scalars(numbers, step)
        if self._wandb is not None:
            self._wandb.log(numbers, step)

    def text(self, tag: str, text: str, step: int) -> None:
        """Sends a sample (TensorBoard only)."""
        if self._tensorboard is not None:
            self._tensorboard.text(tag, text, step)

    def flush(self) -> None:
        if self._tensorboard is not None:
            self._tensorboard.flush()

    def finish(self) -> None:
        """Closes both; W&B gets a bounded time."""
        if self._wandb is not None:
            self._wandb.finish()
        if self._tensorboard is not None:
            self._tensorboard.close()


def flat_numbers(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """{"train": {"loss": 1.0}} as {"train/loss": 1.0}; what is not a number is left out."""
    flat: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(flat_numbers(value, f"{prefix}{name}/"))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{name}"] = value
    return flat
