"""The command `benchmark`: measure every case, print its table, write JSON, Markdown, pictures and a page."""

import time
from pathlib import Path
from typing import Any

from mlcore.benchmarking import BenchmarkResult, BenchmarkSettings
from mlcore.cli import Options
from mlcore.device import choose_device, choose_precision
from mlcore.errors import ConfigError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from custom_transformer.benchmarking.plan import (
    Case,
    Request,
    choose_entries,
    generation_cases,
    training_cases,
    with_tuned_peers,
)
from custom_transformer.benchmarking.records import write_records
from custom_transformer.config import ExperimentConfig


def run_benchmark(config: ExperimentConfig, options: Options) -> int:
    """Measure and write; the exit code is 1 where a variant failed."""
    extra, console = options.extra, Console(highlight=False)
    cases, notes = plan(config, extra)
    for note in notes:
        console.print(note)
    folder = extra["output"] or new_folder(options.runs_dir)
    results = {}
    for case in cases:
        result = measure(case, folder)
        results[case.key] = result
        console.print(result.table(), "")
    written = write_records(folder, results, is_generation=extra["generate"], seed=extra["seed"])
    console.print(f"results {written.json}\npage    {written.page}", soft_wrap=True)
    has_failure = any(one.failure for result in results.values() for one in result.measurements)
    return int(has_failure)


def plan(config: ExperimentConfig, extra: Any) -> tuple[list[Case], list[str]]:
    """The cases of a command line, and what must be said about it."""
    device = choose_device(extra["device"] or config.device)
    entries, notes = choose_entries(extra["variants"], generates=extra["generate"])
    if extra["tuned_allocator"]:
        entries = with_tuned_peers(entries)
    dtypes = extra["dtypes"]
    if not dtypes:
        has_bf16 = choose_precision("auto", device).name == "bf16"
        dtypes = ("float32", "bfloat16") if has_bf16 else ("float32",)
    request = Request(
        config=config,
        entries=entries,
        settings=BenchmarkSettings(
            rounds=extra["rounds"],
            steps_per_round=extra["steps"],
            threads=extra["threads"],
            time_limit_s=extra["time_limit"],
        ),
        device=str(device),
        dtypes=tuple(dict.fromkeys(dtypes)),
        vocab_sizes=tuple(dict.fromkeys(extra["vocab_sizes"])),
        context=extra["context"] or config.data.max_length,
        seed=extra["seed"],
        batch_size=extra["batch_size"],
    )
    if extra["generate"]:
        lengths = (extra["prompt_length"], extra["new_tokens"])
        return generation_cases(request, tuple(dict.fromkeys(extra["prompt_counts"])), *lengths), notes
    return training_cases(request), notes


def measure(case: Case, folder: Path) -> BenchmarkResult:
    """One case, compared with its peers: of training with the fastest eager, compiled and tuned one."""
    columns = (TextColumn("{task.description:<36}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        result = case.benchmark.run(
            folder / "logs" / case.key,
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    if case.compares_all:
        return result.against(*(name for name in case.named("eager") if result[name].turns))
    best = [result.fastest(names) for names in (case.named("eager"), case.named("compiled"), case.tuned)]
    return result.against(*best)


def new_folder(runs_dir: Path) -> Path:
    """A folder of its own for every call: ``runs/benchmarks/TIME[_k]``.

    Raises:
        ConfigError: it cannot be made.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for k in range(1, 1000):
        folder = runs_dir / "benchmarks" / (stamp if k == 1 else f"{stamp}_{k}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be made: {error.strerror or error}") from None
        return folder
    raise ConfigError(f"{runs_dir}: a thousand benchmarks of the same second")
