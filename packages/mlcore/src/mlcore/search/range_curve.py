"""The curve of a learning-rate range test, and what can be read off it. Numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXPLOSION_FACTOR = 4.0
"""The test ends when the running mean of the loss is so many times its best (as in fastai and Lightning)."""

_DECAY = 0.9
_MIN_UPDATES = 10
_SHARE_SMOOTHED = 40  # a fortieth of the updates is the deviation of the kernel

Ending = Literal["finished", "exploded", "not finite"]


class ExplosionWatch:
    """Tells, loss by loss, when the test has seen enough: a running mean, corrected for its start at zero."""

    def __init__(self) -> None:
        self._sum, self._count, self._best = 0.0, 0, float("inf")

    def exploded(self, loss: float) -> bool:
        """Take in a loss; whether its running mean is far above the best one."""
        self._count += 1
        self._sum = _DECAY * self._sum + (1 - _DECAY) * loss
        mean = self._sum / (1 - _DECAY**self._count)
        self._best = min(self._best, mean)
        # Best plus three times its size: four times the best for a loss above 0, and right for one below 0, too.
        limit = self._best + (EXPLOSION_FACTOR - 1) * abs(self._best)
        return self._count > _MIN_UPDATES and mean > limit


@dataclass(frozen=True)
class RangeTest:
    """What a range test has seen (Smith, 2017: "Cyclical Learning Rates for Training Neural Networks").

    Attributes:
        rates: of the updates, growing by a constant factor.
        losses: seen after the update of that rate, on the next batches.
        initial_loss: before the first update.
        ending: why it stopped; "not finite" is an explosion, too.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    initial_loss: float
    ending: Ending

    @cached_property
    def smoothed(self) -> NDArray[np.float64]:
        """The losses through a Gaussian window, which looks both ways and so does not lag behind."""
        import numpy as np

        losses = np.array(self.losses, dtype=np.float64)
        finite = losses[np.isfinite(losses)]
        best = finite.min() if finite.size else self.initial_loss
        # The end of an explosion is higher by orders of magnitude and would hide what comes before it.
        ceiling = self.initial_loss + max(self.initial_loss - best, 0.5 * abs(self.initial_loss))
        clipped = np.minimum(np.nan_to_num(losses, nan=ceiling, posinf=ceiling), ceiling)
        places = np.arange(len(clipped))
        deviation = max(1.0, len(clipped) / _SHARE_SMOOTHED)
        weights = np.exp(-0.5 * ((places[:, None] - places[None, :]) / deviation) ** 2)
        return weights @ clipped / weights.sum(axis=1)

    @cached_property
    def _lowest(self) -> int:
        return int(self.smoothed.argmin())

    @property
    def learns(self) -> bool:
        """Whether the loss fell by more than it differs from batch to batch."""
        import numpy as np

        if len(self.losses) < 3 or self._lowest == 0:
            return False
        before = slice(0, self._lowest + 1)
        noise = np.median(np.abs(np.array(self.losses[before]) - self.smoothed[before]))
        return bool(self.smoothed[0] - self.smoothed[self._lowest] > noise)

    @property
    def steepest(self) -> float | None:
        """The rate at which the loss falls fastest, by decade; None if it never falls."""
        import numpy as np

        if not self.learns:
            return None
        slopes = np.gradient(self.smoothed, np.log10(np.array(self.rates)))
        return float(self.rates[int(slopes[: self._lowest + 1].argmin())])

    @property
    def largest_safe(self) -> float | None:
        """The rate after which the loss rises; None if it never falls."""
        return float(self.rates[self._lowest]) if self.learns else None

    @property
    def found_the_limit(self) -> bool:
        """Whether the loss rose before the highest rate was reached."""
        return self.ending != "finished" or self._lowest < len(self.losses) - 1

    def as_dict(self) -> dict[str, Any]:
        """For learning_rate.json."""
        return {
            "ending": self.ending,
            "initial_loss": self.initial_loss,
            "steepest": self.steepest,
            "largest_safe": self.largest_safe,
            "found_the_limit": self.found_the_limit,
            "rates": list(self.rates),
            "losses": list(self.losses),
            "smoothed": self.smoothed.tolist(),
        }
