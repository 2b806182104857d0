"""What one evaluation means for the run: a new best, an early stop, a lower rate."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from mlcore.errors import ConfigError
from mlcore.trainer.config import TrainingConfig, grows_with_quality
from mlcore.trainer.early_stopping import build_early_stopping
from mlcore.trainer.progress import BestValue
from mlcore.trainer.schedules import Schedule


class Monitor:
    """Watches ``training.monitor``.

    Args:
        config: names the metric and the policy.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._config = config
        self.best = BestValue(config.monitor_mode)
        stopping = config.early_stopping
        first = (stopping.monitor if stopping else None) or config.monitor
        self._stopping_names = [first, *([stopping.also] if stopping and stopping.also else [])]
        self.early_stopping = build_early_stopping(
            stopping, {name: self._mode_of(name) for name in self._stopping_names}
        )

    def _mode_of(self, name: str) -> str:
        """The monitored metric and its twin of the other split have the configured mode; any other says by its name
        whether it is an accuracy or a loss.
        """
        if _kind(name) == _kind(self._config.monitor):
            return self._config.monitor_mode
        return "max" if grows_with_quality(name) else "min"

    def check_data(self, has_validation: bool) -> None:
        """Raises ``ConfigError`` if something waits for validation metrics and there will be none."""
        if has_validation:
            return
        waiting = {}
        if self.early_stopping is not None:
            for name in self._stopping_names:
                waiting[f"training.early_stopping ({name})"] = name
        if self._config.schedule.type == "plateau":
            waiting["training.schedule plateau"] = self._config.monitor
        for who, name in waiting.items():
            if name.startswith("val_"):
                raise ConfigError(f"{who} watches {name}, but there is no validation data; watch train_loss")

    def observe(self, metrics: Mapping[str, float], step: int, schedule: Schedule | None) -> float | None:
        """Take in the metrics of one evaluation.

        Args:
            metrics: with their prefixes: val_loss, train_loss, ...
            step: updates done.
            schedule: told the value, if it wants one.

        Returns:
            The monitored value; None if it is a validation metric and there was no validation.
        """
        if self.early_stopping is not None:
            watched = [self._find(name, metrics) for name in self._stopping_names]
            known = [value for value in watched if value is not None]
            if len(known) == len(watched):
                can_fall = schedule is not None and schedule.can_fall
                self.early_stopping.observe(*known, rate_can_fall=can_fall)
        value = self._find(self._config.monitor, metrics)
        if value is None:
            return None
        self.best.observe(value, step)
        if schedule is not None and schedule.observe(value) and self.early_stopping is not None:
            self.early_stopping.rate_fell()
        return value

    def _find(self, name: str, metrics: Mapping[str, float]) -> float | None:
        if name in metrics:
            return metrics[name]
        prefix = name.split("_", 1)[0] + "_"
        known = sorted(metric for metric in metrics if metric.startswith(prefix))
        if not known:
            return None
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ConfigError(
            f"training.monitor: there is no metric {name!r}{hint} (measured: {', '.join(known)})"
        )


def _kind(name: str) -> str:
    return name.split("_", 1)[-1]
