"""Does an example of one split also lie in another?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from torch import Tensor

from mlcore.sanity.bench import Bench
from mlcore.sanity.check_result import Finding


def check(bench: Bench) -> Finding:
    """Counts exact duplicates among the stored examples of all splits, and among those that the loaders deliver.

    The second catches a loader that was given the wrong split; augmented training inputs are never equal to
    others, so there it finds nothing. No statistics.
    """
    subject = bench.subject
    tolerance = subject.duplicate_tolerance
    overlaps = overlaps_of(subject.image_hashes()) if subject.image_hashes is not None else []
    delivered = {
        "training loader": hashes_of(bench.fitting[0]),
        "validation loader": hashes_of(bench.held_out[0]),
    }
    overlaps += overlaps_of(delivered)
    problems = [_problem(overlap) for overlap in overlaps if overlap["share"] > tolerance]
    parts = [f"{one['number']} of {one['of']} of {one['smaller']} in {one['larger']}" for one in overlaps]
    expected = f"at most {tolerance:.1%} of a split also in another"
    return Finding("; ".join(parts), expected, tuple(problems), {"overlaps": overlaps})


def overlaps_of(hashes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """For each pair of splits: how many examples of the smaller one also lie in the larger one."""
    found = []
    for pair in combinations(hashes, 2):
        smaller, larger = sorted(pair, key=lambda name: len(hashes[name]))
        known = set(hashes[larger])
        number = sum(one in known for one in hashes[smaller])
        of = len(hashes[smaller])
        share = number / of if of else 0.0
        found.append({"smaller": smaller, "larger": larger, "number": number, "of": of, "share": share})
    return found


def hashes_of(inputs: Tensor) -> list[str]:
    """One hash an example, of its exact values."""
    rows = inputs.detach().cpu().contiguous().flatten(1).numpy()
    return [hashlib.blake2b(row.tobytes(), digest_size=16).hexdigest() for row in rows]


def _problem(overlap: Mapping[str, Any]) -> str:
    return (
        f"{overlap['number']} of {overlap['of']} examples of {overlap['smaller']} also lie in "
        f"{overlap['larger']} ({overlap['share']:.1%}): what is measured there is memory, draw the splits apart"
    )
