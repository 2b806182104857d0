"""Work done ahead by threads, its results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def work_ahead(
    function: Callable[[Task], Result], tasks: Iterable[Task], num_threads: int
) -> Iterator[Result]:
    """`map(function, tasks)` with threads that are at most `2 * num_threads` tasks ahead; 0 threads: no
    thread.

    When the iteration is given up, what has not begun is cancelled and what has is waited for.
    """
    if num_threads == 0:
        yield from map(function, tasks)
        return
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        try:
            for task in tasks:
                ahead.append(pool.submit(function, task))
                if len(ahead) > 2 * num_threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
