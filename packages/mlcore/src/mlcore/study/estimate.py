"""How long the rest of a study will take."""

import heapq
from collections.abc import Sequence


def remaining_seconds(
    finished: Sequence[tuple[float, float]],
    running: Sequence[tuple[float, float]],
    waiting: Sequence[float],
    num_workers: int,
) -> float | None:
    """Estimate from the speed so far, with the waiting jobs given out one by one to the first worker that is free.

    Args:
        finished: weight and seconds of every job that is done.
        running: weight and seconds so far of every job under way.
        waiting: weights of the others, in their order.
        num_workers: jobs at a time.

    Returns:
        Seconds; None while no job is done.
    """
    weight_done = sum(weight for weight, _ in finished)
    if not weight_done:
        return None
    rate = sum(seconds for _, seconds in finished) / weight_done
    free_at = [max(weight * rate - so_far, 0.0) for weight, so_far in running]
    free_at += [0.0] * (num_workers - len(free_at))
    heapq.heapify(free_at)
    for weight in waiting:
        heapq.heapreplace(free_at, free_at[0] + weight * rate)
    return max(free_at)
