"""How the best setting is looked for: double the batch, then vary the threads, then look again around the best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlcore.errors import UserError
from mlcore.machine_settings.answer import Answer, Candidate, Findings

GROWTH = 0.03
"""A rate must grow by more than this, and by more than its noise, to count as grown."""

SECOND_LOOK = 0.10
"""Candidates within this share of the best are measured once more: a moment's disturbance must not decide."""

_PATIENCE = 2  # doublings without growth that end the search: one may be a step of the caches
_MAX_BATCH_SIZE = 2**22

Measure = Callable[[Candidate], Answer]


class SettingsError(UserError):
    """Not even the smallest candidate could be measured."""


@dataclass
class _Search:
    """The answers so far; of a candidate that was measured twice the better one."""

    measure: Measure
    tell: Callable[[Answer], None]
    asked: list[Answer] = field(default_factory=list)
    known: dict[Candidate, Answer] = field(default_factory=dict)

    def ask(self, candidate: Candidate, *, again: bool = False) -> Answer:
        if candidate in self.known and not again:
            return self.known[candidate]
        answer = self.measure(candidate)
        self.asked.append(answer)
        self.tell(answer)
        before = self.known.get(candidate)
        if before is None or answer.rate > before.rate:
            self.known[candidate] = answer
        return self.known[candidate]

    @property
    def best(self) -> Answer:
        return max(self.known.values(), key=lambda answer: answer.rate)


def find_settings(
    measure: Measure,
    *,
    first_batch_size: int = 8,
    max_batch_size: int = _MAX_BATCH_SIZE,
    threads: Sequence[int] = (),
    tell: Callable[[Answer], None] = lambda answer: None,
) -> Findings:
    """The fastest batch size and number of threads.

    The batch is doubled, at the largest number of threads, until the rate has not grown for two doublings or the memory
    ends; at its best the threads are varied; and if fewer of them are better, the batches beside it are looked at
    again. Of settings that differ by less than their noise the one with the smaller batch and the fewer threads is
    taken: it needs less memory, and more updates an epoch do no harm.

    Args:
        measure: asks the machine.
        first_batch_size: where the doubling begins.
        max_batch_size: where it ends at the latest.
        threads: numbers to choose from; empty leaves the threads alone.
        tell: told every answer.

    Raises:
        SettingsError: the first candidate does not run, nor any smaller batch.
    """
    search = _Search(measure, tell)
    numbers = sorted(set(threads))
    most: int | None = numbers[-1] if numbers else None
    first = _first_that_runs(search, first_batch_size, most)
    # An accelerator does the work: how many threads the host has for it hardly matters.
    numbers = numbers if first.device == "cpu" else []
    best = _double(search, first, max_batch_size)
    for number in numbers:
        search.ask(Candidate(best.candidate.batch_size, number))
    best = _smallest_of_the_best(search)
    if best.candidate.threads != most:
        for factor in (0.5, 2.0):
            _climb(search, factor, max_batch_size)
    return Findings(_settle(search), tuple(search.asked))


def _first_that_runs(search: _Search, batch_size: int, threads: int | None) -> Answer:
    """The first batch, or else half of it, and so on."""
    while True:
        answer = search.ask(Candidate(batch_size, threads))
        if answer.verdict == "ok":
            return answer
        if answer.verdict == "crashed" or batch_size == 1:
            raise SettingsError(f"{answer.candidate}: {answer.verdict}: {answer.reason}")
        batch_size //= 2


def _double(search: _Search, first: Answer, max_batch_size: int) -> Answer:
    """Growth is growth over the step before, not over the best: behind the fall at a cache's edge a second slope may
    lead higher than the first.
    """
    before, without_growth = first, 0
    while without_growth < _PATIENCE and before.candidate.batch_size * 2 <= max_batch_size:
        answer = search.ask(Candidate(before.candidate.batch_size * 2, first.candidate.threads))
        if answer.verdict != "ok":
            break
        has_grown = answer.rate > before.rate * (1 + max(GROWTH, answer.noise))
        without_growth = 0 if has_grown else without_growth + 1
        before = answer
    return _smallest_of_the_best(search)


def _climb(search: _Search, factor: float, max_batch_size: int) -> None:
    """From the best setting to smaller or larger batches, as long as that pays."""
    best = _smallest_of_the_best(search)
    while 1 <= best.candidate.batch_size * factor <= max_batch_size:
        size = int(best.candidate.batch_size * factor)
        answer = search.ask(Candidate(size, best.candidate.threads))
        if answer.rate <= best.rate * (1 + GROWTH):
            return
        best = answer


def _settle(search: _Search) -> Answer:
    """The setting to take, after a second look at all that come near the best."""
    limit = (1 - SECOND_LOOK) * search.best.rate
    for answer in [answer for answer in search.known.values() if answer.rate >= limit]:
        search.ask(answer.candidate, again=True)
    return _smallest_of_the_best(search)


def _smallest_of_the_best(search: _Search) -> Answer:
    """Of the settings that are as good as the best, the one with the smallest batch, and then the fewest threads."""
    limit = (1 - GROWTH) * search.best.rate
    equal = [answer for answer in search.known.values() if answer.rate >= limit]
    return min(equal, key=lambda answer: (answer.candidate.batch_size, answer.candidate.threads or 0))
