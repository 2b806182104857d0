"""Where two runs part: the first record of their metrics.jsonl that is not the same in both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlcore.errors import ConfigError
from mlcore.experiments.flattening import flatten, is_same
from mlcore.logger.metrics_file import MetricsError, iterate_metrics

STREAM = "metrics.jsonl"
# What a record was measured with, and what it is found by.
_NOT_COMPARED = frozenset({"timing", "kind", "step"})
_Key = tuple[str, int, int]


@dataclass(frozen=True)
class FirstDifference:
    """The first record that differs.

    Attributes:
        kind: step, validation or epoch.
        step: optimizer updates done.
        metric: the first that differs in that record, with its values.
        num_metrics: how many differ in it.
    """

    kind: str
    step: int
    metric: str
    first: Any
    second: Any
    num_metrics: int = 1

    def __str__(self) -> str:
        more = f" (and {self.num_metrics - 1} more)" if self.num_metrics > 1 else ""
        return f"{self.kind} {self.step}: {self.metric} {self.first!r} and {self.second!r}{more}"


@dataclass(frozen=True)
class Divergence:
    """How far two streams agree.

    Attributes:
        num_compared: records of the same kind and step in both.
        num_only_first, num_only_second: records that the other does not have.
        exact: the first record in which any value differs at all; None when none does.
        beyond_tolerance: the first in which numbers differ by more than `tolerance`, relative to the larger.
        reason: why nothing was compared.
    """

    num_compared: int
    num_only_first: int
    num_only_second: int
    exact: FirstDifference | None
    beyond_tolerance: FirstDifference | None
    tolerance: float
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.reason is not None:
            return f"steps not compared: {self.reason}"
        if self.exact is None:
            return f"identical in all {self.num_compared:,} common records{self._lengths()}"
        text = f"first different at {self.exact}"
        if self.beyond_tolerance is None:
            text += f"; never by more than {self.tolerance:g}"
        elif (self.beyond_tolerance.kind, self.beyond_tolerance.step) != (self.exact.kind, self.exact.step):
            text += f"; by more than {self.tolerance:g} from {self.beyond_tolerance}"
        return text + self._lengths()

    def _lengths(self) -> str:
        alone = [
            f"{count:,} records in the {side} alone"
            for side, count in (("first", self.num_only_first), ("second", self.num_only_second))
            if count
        ]
        return f" ({', '.join(alone)})" if alone else ""


def find_divergence(first: Path, second: Path, *, tolerance: float = 1e-6) -> Divergence:
    """Compare the streams of two run folders record by record; times and speeds are not compared.

    Two runs of the same configuration, seed and machine should be identical. A first difference of 1e-7 that grows
    is another order of additions; one of 1e-2 at step 1 is another initialisation or other data.

    Raises:
        ConfigError: a tolerance below 0.
    """
    if not 0 <= tolerance < math.inf:
        raise ConfigError(f"tolerance is {tolerance}: a finite number of at least 0")
    try:
        one, other = (dict(_records(folder)) for folder in (first, second))
    except FileNotFoundError as error:
        missing = Path(error.filename)
        return Divergence(0, 0, 0, None, None, tolerance, f"{missing.parent.name} has no {STREAM}")
    except (MetricsError, OSError) as error:
        return Divergence(0, 0, 0, None, None, tolerance, str(error))
    common = [key for key in one if key in other]
    counts = (len(common), len(one) - len(common), len(other) - len(common))
    if not common:
        return Divergence(*counts, None, None, tolerance, "no record of the same kind and step in both")
    exact = _first(one, other, common, 0.0)
    beyond = None if exact is None else _first(one, other, common, tolerance)
    return Divergence(*counts, exact, beyond, tolerance)


def _records(folder: Path) -> Iterator[tuple[_Key, Mapping[str, Any]]]:
    """The records by kind, step and, where several have both, their place among these."""
    seen: Counter[tuple[str, int]] = Counter()
    for record in iterate_metrics(folder / STREAM):
        kind, step = record.get("kind"), record.get("step")
        if isinstance(kind, str) and isinstance(step, int):
            seen[kind, step] += 1
            yield (kind, step, seen[kind, step]), record


def _first(
    one: Mapping[_Key, Mapping[str, Any]],
    other: Mapping[_Key, Mapping[str, Any]],
    keys: list[_Key],
    tolerance: float,
) -> FirstDifference | None:
    for key in keys:
        a, b = _values(one[key]), _values(other[key])
        differing = [name for name in a if name in b and not _is_close(a[name], b[name], tolerance)]
        if differing:
            name = differing[0]
            return FirstDifference(key[0], key[1], name, a[name], b[name], len(differing))
    return None


def _values(record: Mapping[str, Any]) -> dict[str, Any]:
    return flatten({name: value for name, value in record.items() if name not in _NOT_COMPARED})


def _is_close(first: Any, second: Any, tolerance: float) -> bool:
    if is_same(first, second):
        return True
    for value in (first, second):
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return False
    return bool(abs(first - second) <= tolerance * max(abs(first), abs(second)))
