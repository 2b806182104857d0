"""What the command `benchmark` of every project does with its cases: measure each, show its table, write everything."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from mlcore.benchmarking.benchmark import ModelBenchmark
from mlcore.benchmarking.records import write_records
from mlcore.benchmarking.result import BenchmarkResult


class Case(Protocol):
    """One benchmark of several that belong together."""

    @property
    def key(self) -> str:
        """Names it in JSON, of its picture and of its folder of logs."""

    @property
    def benchmark(self) -> ModelBenchmark:
        """What is measured."""

    def compared(self, result: BenchmarkResult) -> BenchmarkResult:
        """The result with the peers that its tables compare with."""


@dataclass(frozen=True)
class Story:
    """What the results are about.

    Attributes:
        what: one word, for JSON.
        title: of the page.
        lead: a sentence or two below it.
        seed: of weights and inputs.
    """

    what: str
    title: str
    lead: str
    seed: int


def measure_cases(cases: Iterable[Case], folder: Path, story: Story, console: Console) -> int:
    """Measure case by case into `folder`; the exit code is 1 where a variant failed."""
    results = {}
    for case in cases:
        result = case.compared(measure(case.benchmark, folder / "logs" / case.key))
        results[case.key] = result
        console.print(result.table(), "")
    written = write_records(
        folder, results, what=story.what, title=story.title, lead=story.lead, seed=story.seed
    )
    console.print(f"results {written.json}\npage    {written.page}", soft_wrap=True)
    return int(any(one.failure for result in results.values() for one in result.measurements))


def measure(benchmark: ModelBenchmark, logs: Path) -> BenchmarkResult:
    """Run one benchmark with a bar on standard error; `logs` gets what the variants print."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<36}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        return benchmark.run(
            logs,
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
