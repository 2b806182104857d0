"""Where a loader stands: the epoch, and the number of its batches that were handed out; and which rows are a rank's."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError


class ResumableLoader:
    """What all loaders share. A subclass counts `_position` while it hands out the batches from `_start` on.

    `what_sizes_an_epoch` ends the question that an impossible position raises.
    """

    what_sizes_an_epoch: ClassVar[str] = "the data or the batch size"

    def __init__(self) -> None:
        self._epoch = self._position = self._start = 0

    def __len__(self) -> int:
        """Batches an epoch."""
        raise NotImplementedError

    def set_epoch(self, epoch: int) -> None:
        """Which epoch's order the next iteration takes. Another than the loaded one begins at its start."""
        if epoch != self._epoch:
            self._epoch, self._position, self._start = epoch, 0, 0

    def state_dict(self) -> dict[str, int]:
        """The epoch, and the number of its batches that were handed out."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue at `state["epoch"]`, batch `state["position"]`; other keys are ignored.

        Raises:
            DataError: no epoch of this loader has such a batch.
        """
        epoch, position = int(state["epoch"]), int(state["position"])
        if epoch < 0 or not 0 <= position <= len(self):
            raise DataError(
                f"cannot continue at epoch {epoch}, batch {position}: an epoch has {len(self)} batches; "
                f"were {self.what_sizes_an_epoch} others?"
            )
        self._epoch, self._position, self._start = epoch, position, position


def num_rows_of_rank(num_rows: int, rank: int, world_size: int) -> int:
    """How many of the rows of one step, of all ranks together, are this rank's."""
    return num_rows * (rank + 1) // world_size - num_rows * rank // world_size


def rows_of_rank(rows: NDArray[np.int64], rank: int, world_size: int) -> NDArray[np.int64]:
    """This rank's share of the rows of one step."""
    first = len(rows) * rank // world_size
    return rows[first : first + num_rows_of_rank(len(rows), rank, world_size)]
