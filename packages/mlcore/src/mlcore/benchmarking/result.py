"""What a benchmark found: figures, ratios, warnings; as JSON, table, Markdown and figure."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.benchmarking.measurement import Clock, Measurement
from mlcore.benchmarking.settings import BenchmarkSettings
from mlcore.benchmarking.spread import PairedRatio, paired_ratio
from mlcore.benchmarking.variant import BenchmarkError
from mlcore.config.problems import suggestion
from mlcore.environment import safe_command_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mlcore.benchmarking.tables import TerminalTable

SCHEMA = 1
_BUSY = 0.06  # share of the machine; below it repeated runs agree to a few per cent
_UNSTEADY = 0.15  # distance of the yardstick's quartiles over its median
_AWAKE = 0.01  # share of the benchmark's time


@dataclass(frozen=True)
class BenchmarkResult:
    """All measurements of one benchmark.

    Attributes:
        measurements: in the order of the variants.
        yardsticks: matrix products, one a dtype and device.
        environment: the machine.
        seconds: of the whole benchmark.
        baselines: with whom tables compare.
    """

    title: str
    unit: str
    settings: BenchmarkSettings
    measurements: tuple[Measurement, ...]
    yardsticks: tuple[Measurement, ...]
    environment: dict[str, Any]
    seconds: float
    baselines: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Measurement:
        """The measurement of a variant.

        Raises:
            BenchmarkError: there is none of that name.
        """
        known = {one.name: one for one in (*self.measurements, *self.yardsticks)}
        if name not in known:
            raise BenchmarkError(
                f"no variant {name!r}{suggestion(name, list(known))} (there are {', '.join(known)})"
            )
        return known[name]

    def against(self, *names: str | None) -> "BenchmarkResult":
        """The same, its tables comparing with these variants; None and repeated names are left out."""
        chosen = tuple(dict.fromkeys(name for name in names if name is not None))
        for name in chosen:
            self[name]
        return replace(self, baselines=chosen)

    def fastest(self, names: Sequence[str]) -> str | None:
        """The one of these variants with the highest median rate; None where none was measured."""
        rates = {
            one.name: spread.median for one in self.measurements if (spread := one.items_per_s()) is not None
        }
        return max((name for name in names if name in rates), key=rates.__getitem__, default=None)

    def ratio(self, name: str, baseline: str, clock: Clock = "wall") -> PairedRatio | None:
        """How many times as many items a second `name` does as `baseline`, round by round; by CPU time, too, which
        other processes disturb less."""
        return paired_ratio(self[name].rates(clock), self[baseline].rates(clock))

    def memory_ratio(self, name: str, baseline: str) -> float | None:
        """Peak memory of `name` over that of `baseline`, both above their bases."""
        own, other = self[name].peak_memory_bytes, self[baseline].peak_memory_bytes
        return own / other if own is not None and other else None

    def share_of_yardstick(self, name: str, clock: Clock = "wall") -> PairedRatio | None:
        """The model's operations a second over those of a large matrix product of the same dtype and device in the
        same rounds; None without one."""
        one = self[name]
        for yardstick in self.yardsticks:
            if (yardstick.dtype, yardstick.device) == (one.dtype, one.device):
                products = yardstick.rates(clock, of_flops=True)
                return paired_ratio(one.rates(clock, of_flops=True), products)
        return None

    @property
    def failures(self) -> dict[str, str]:
        """What went wrong, by variant."""
        everybody = (*self.measurements, *self.yardsticks)
        return {one.name: one.failure for one in everybody if one.failure is not None}

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before the figures are believed."""
        everybody = (*self.measurements, *self.yardsticks)
        found = [f"{name} failed: {words}" for name, words in self.failures.items()]
        shares = {one.name: share for one in everybody if (share := one.other_cpu_share) is not None}
        busy = {name: share for name, share in shares.items() if share > _BUSY}
        if busy:
            low, high = (f"{bound:.0%}" for bound in (min(busy.values()), max(busy.values())))
            used = low if low == high else f"{low} to {high}"
            names = ", ".join(busy)
            found.append(f"the machine was busy: other processes used {used} of it while {names} ran")
        for one in everybody:
            if one.idle_cpu_s > _AWAKE * self.seconds:
                found.append(f"{one.name} used {one.idle_cpu_s:.1f} s of CPU time while others were measured")
        for one in self.yardsticks:
            spread = one.step_s()
            if spread is not None and spread.relative_width > _UNSTEADY:
                found.append(
                    f"{one.name} varied by {spread.relative_width:.0%}: the machine's own speed changed"
                )
        return found

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        names = [one.name for one in self.measurements]
        shares = {name: self.share_of_yardstick(name) for name in names}
        memory = {base: {name: self.memory_ratio(name, base) for name in names} for base in self.baselines}
        return {
            "schema": SCHEMA,
            "title": self.title,
            "unit": self.unit,
            "command": portable_command(sys.argv),
            "environment": {key: value for key, value in self.environment.items() if key != "command"},
            "settings": asdict(self.settings),
            "seconds": self.seconds,
            "warnings": self.warnings,
            "variants": {one.name: one.as_dict() for one in self.measurements},
            "yardsticks": {one.name: one.as_dict() for one in self.yardsticks},
            "share_of_yardstick": {name: _plain(share) for name, share in shares.items()},
            "ratio": self._ratios("wall"),
            "cpu_ratio": self._ratios("cpu"),
            "memory_ratio": memory,
        }

    def table(self) -> "TerminalTable":
        """The table for `rich.print`; a narrow terminal shows fewer columns."""
        from mlcore.benchmarking.tables import TerminalTable

        return TerminalTable(self)

    def markdown(self) -> str:
        """The table in Markdown."""
        from mlcore.benchmarking.tables import markdown_table

        return markdown_table(self)

    def draw(self) -> "Figure":
        """Items a second with their spread, and memory beside them."""
        from mlcore.benchmarking.figure import draw

        return draw(self)

    def _ratios(self, clock: Clock) -> dict[str, dict[str, Any]]:
        names = [one.name for one in self.measurements]
        return {
            base: {name: _plain(self.ratio(name, base, clock)) for name in names if name != base}
            for base in self.baselines
        }


def portable_command(argv: Sequence[str]) -> list[str]:
    """A command line without secrets and without the folders of one machine: of absolute paths the last part."""
    words = safe_command_line(argv)
    return [Path(word).name if Path(word).is_absolute() else word for word in words]


def _plain(ratio: PairedRatio | None) -> dict[str, Any] | None:
    return None if ratio is None else ratio.as_dict()
