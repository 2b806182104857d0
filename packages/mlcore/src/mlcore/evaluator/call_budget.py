"""What a judge may spend in its life: calls, seconds and tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CallBudget:
    """Counts down; `refusal` says what is used up. Seconds run only inside `running()`."""

    def __init__(
        self,
        *,
        max_calls: int,
        max_seconds: float,
        max_tokens: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_calls = max_calls
        self.max_seconds = max_seconds
        self.max_tokens = max_tokens
        self.calls = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.lost_tokens = 0
        """Upper bound of what calls without an answer may have cost."""
        self._clock = clock
        self._seconds_before = 0.0
        self._started: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        self._started = self._clock()
        try:
            yield
        finally:
            self._seconds_before = self.seconds
            self._started = None

    @property
    def seconds(self) -> float:
        return self._seconds_before + (0.0 if self._started is None else self._clock() - self._started)

    @property
    def remaining_seconds(self) -> float:
        return self.max_seconds - self.seconds

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens + self.lost_tokens

    def refusal(self, most_tokens: int) -> str | None:
        """Why a call that may cost `most_tokens` cannot be made, to be counted under; None if it can."""
        if self.calls >= self.max_calls:
            return "call_budget"
        if self.remaining_seconds <= 0:
            return "time_budget"
        if self.tokens + most_tokens > self.max_tokens:
            return "token_budget"
        return None
