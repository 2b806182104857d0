"""`ModelBenchmark`: starts a process a variant, gives them turns, and ends them all whatever happens."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlcore.benchmarking.contestant import Contestant
from mlcore.benchmarking.result import BenchmarkResult
from mlcore.benchmarking.settings import BenchmarkSettings
from mlcore.benchmarking.turn_order import turn_order
from mlcore.benchmarking.variant import Variant, check_variants

Progress = Callable[[str, int, int], None]
"""Told what comes next, how many parts are done, and of how many."""


class ModelBenchmark:
    """Variants that are measured side by side.

    Memory, allocator and compiled code of one variant never touch another's: each has its own process. They are built
    one after another, and then take turns; whoever does not measure sleeps. What disturbs the machine for longer than a
    round disturbs all of them, and ratios are taken round by round.

    Args:
        variants: at least one; names are unique.
        settings: rounds, steps, threads, limits.
        title: of tables, figure and page.
        unit: what a step's items are.

    Raises:
        BenchmarkError: variants that could not be measured.
    """

    def __init__(
        self,
        variants: Sequence[Variant],
        settings: BenchmarkSettings | None = None,
        *,
        title: str = "benchmark",
        unit: str = "items",
    ) -> None:
        check_variants(variants)
        self.variants, self.settings = tuple(variants), settings or BenchmarkSettings()
        self.title, self.unit = title, unit

    def run(self, folder: Path | None = None, *, progress: Progress | None = None) -> BenchmarkResult:
        """Measure all variants. One that fails is reported in words and stops no other.

        Ctrl-C and every other exception end all children before they go on.

        Args:
            folder: gets ``NAME.log`` of every variant, what it printed; None keeps no logs.
        """
        from mlcore.environment import describe_environment

        began = time.monotonic()
        with _folder(folder) as logs:
            field = _Field(logs, self.settings, progress or (lambda what, done, total: None), began)
            try:
                field.prepare(self.variants)
                field.play()
            finally:
                field.kill()
        measured = [contestant.measurement() for contestant in field.contestants]
        yardsticks = [contestant.measurement() for contestant in field.yardsticks]
        return BenchmarkResult(
            title=self.title,
            unit=self.unit,
            settings=self.settings,
            measurements=tuple(measured),
            yardsticks=tuple(yardsticks),
            environment=describe_environment(),
            seconds=time.monotonic() - began,
        )


class _Field:
    """All contestants of one run."""

    def __init__(self, logs: Path, settings: BenchmarkSettings, progress: Progress, began: float) -> None:
        self.contestants: list[Contestant] = []
        self.yardsticks: list[Contestant] = []
        self._logs, self._settings, self._progress, self._began = logs, settings, progress, began
        self._done = self._total = 0

    def prepare(self, variants: Sequence[Variant]) -> None:
        """Build one after another, so that none is disturbed; then the yardsticks of their dtypes."""
        self.contestants = [self._contestant(variant) for variant in variants]
        self._total = len(variants) + len(variants) * self._settings.rounds
        for contestant in self.contestants:
            self._tell(f"building {contestant.variant.name}")
            contestant.prepare()
        if self._settings.has_yardstick:
            kinds = dict.fromkeys(filter(None, (one.dtype_and_device for one in self.contestants)))
            self.yardsticks = [self._contestant(_yardstick(*kind, self._settings)) for kind in kinds]
            for contestant in self.yardsticks:
                contestant.prepare()

    def play(self) -> None:
        """Round after round, every contestant in its turn."""
        everybody = [*self.contestants, *self.yardsticks]
        for number in range(self._settings.rounds):
            for place in turn_order(len(everybody), number):
                if place < len(self.contestants):
                    self._tell(f"round {number + 1}: {everybody[place].variant.name}")
                everybody[place].measure(number)
        for contestant in everybody:
            contestant.close()
        self._progress("done", self._total, self._total)

    def kill(self) -> None:
        """End every process that is left."""
        for contestant in (*self.contestants, *self.yardsticks):
            contestant.kill()

    def _contestant(self, variant: Variant) -> Contestant:
        log_path = self._logs / f"{variant.name}.log"
        return Contestant(variant, self._settings, log_path, list(sys.path), self._began)

    def _tell(self, what: str) -> None:
        self._progress(what, self._done, self._total)
        self._done += 1


def _yardstick(dtype: str, device: str, settings: BenchmarkSettings) -> Variant:
    arguments = {"dtype": dtype, "device": device, "size": settings.yardstick_size}
    name = f"yardstick_{dtype}_{device.replace(':', '_')}"
    return Variant(name, "mlcore.benchmarking.yardstick:matrix_product", arguments)


@contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch)
