"""Items a second and time left, from the moments at which steps are logged."""

from __future__ import annotations

from collections.abc import Callable


class ThroughputMeter:
    """Measures training alone: validation, samples and saving do not count.

    `update` is called with the items done since the last call. Time between `pause` and `resume` is
    subtracted exactly. A caller that never pauses marks with `exclude` the end of what was not training; a
    window in which steps ran before such a mark is not measured, because their time is not known, and the
    last rate stands.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._window_began = clock()
        self._session_began = self._window_began
        self._first_step: int | None = None
        self._last_step = 0
        self._spoiled = False
        self._num_windows = 0
        self._paused_at = 0.0
        self._num_pauses = 0  # pauses may be nested
        self._knows_pauses = False
        self.measured_items = 0
        self.measured_s = 0.0
        self.training_s = 0.0
        self.items_per_s: float | None = None

    def start(self, step: int = 0) -> None:
        """Begins (again) at `step`."""
        self._window_began = self._session_began = self._clock()
        self._first_step = self._last_step = step
        self._spoiled = False

    def update(self, step: int, num_items: int) -> float | None:
        """Ends a window at `step`; returns items a second, None as long as it is unknown."""
        now = self._clock()
        if self._first_step is None:
            self._first_step = step
        seconds = now - self._window_began
        self.training_s += seconds
        if not self._spoiled and seconds > 0 and num_items > 0:
            self.items_per_s = num_items / seconds
            self._num_windows += 1
            # The first window holds compilation and cold caches: it would spoil the mean of a short run.
            if self._num_windows > 1:
                self.measured_items += num_items
                self.measured_s += seconds
        self._window_began, self._last_step, self._spoiled = now, step, False
        return self.items_per_s

    def pause(self) -> None:
        """What follows is not training."""
        self._knows_pauses = True
        if self._num_pauses == 0:
            self._paused_at = self._clock()
        self._num_pauses += 1

    def resume(self) -> None:
        """Training goes on."""
        assert self._num_pauses > 0, "resume without pause"
        self._num_pauses -= 1
        if self._num_pauses == 0:
            self._window_began += self._clock() - self._paused_at

    def exclude(self, step: int) -> None:
        """Without pauses: the time since the last mark was not training; `step` is the last step done."""
        if self._knows_pauses:
            return
        self._spoiled = self._spoiled or step > self._last_step
        self._window_began = self._clock()

    def mean_items_per_s(self) -> float | None:
        """Mean over all measured windows but the first; the only window's rate where there is just one."""
        return self.measured_items / self.measured_s if self.measured_s > 0 else self.items_per_s

    def seconds_left(self, step: int, total_steps: int | None) -> float | None:
        """Time left at the pace of this session, validation and saving included."""
        if total_steps is None or self._first_step is None or step <= self._first_step:
            return None
        pace = (self._clock() - self._session_began) / (step - self._first_step)
        return max(0, total_steps - step) * pace
