"""What holds only while ``train`` runs: its loaders and what can end it."""

from __future__ import annotations

from dataclasses import dataclass

from mlcore.trainer.loader_position import num_batches
from mlcore.trainer.monitor import Monitor
from mlcore.trainer.progress import Progress
from mlcore.trainer.protocols import Loader
from mlcore.trainer.stopping import Stop, StopConditions


@dataclass
class Session:
    """One call of ``train``.

    Attributes:
        train_loader: batches to learn from.
        val_loader: batches to validate on; None: no validation.
        conditions: what can end the run.
        stop: set once training shall end.
    """

    train_loader: Loader
    val_loader: Loader | None
    conditions: StopConditions
    stop: Stop | None = None

    def shall_stop(self, progress: Progress, monitor: Monitor) -> bool:
        """Whether training ends here; once it shall, it stays so."""
        if self.stop is None:
            self.stop = self.conditions.check(progress, monitor.early_stopping)
        return self.stop is not None

    def epoch_is_complete(self, progress: Progress) -> bool:
        """Whether the epoch's batches are used up: the loader ran dry, or the last step had the last."""
        if self.stop is None:
            return True
        return self.stop.exit_code is None and progress.position == num_batches(self.train_loader)
