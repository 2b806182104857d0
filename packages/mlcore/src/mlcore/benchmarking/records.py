"""The files of a benchmark: JSON as `tools/publish_result.py --measured` reads it, Markdown, pictures, the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mlcore.benchmarking.page import write_page
from mlcore.benchmarking.result import BenchmarkResult
from mlcore.benchmarking.spread import PairedRatio
from mlcore.logger.plain_values import write_json_atomic

SCHEMA = 1


class Written(NamedTuple):
    """Where the results stand."""

    json: Path
    page: Path


def write_records(
    folder: Path, results: Mapping[str, BenchmarkResult], *, what: str, title: str, lead: str, seed: int
) -> Written:
    """Write benchmark.json, benchmark.md, KEY.png of every case, and benchmark.html.

    Args:
        folder: made if it is not there.
        results: by the case's key.
        what: one word for JSON: training, generation.
        title, lead: of the page.
        seed: of weights and inputs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = markdown_lines(results)
    write_json_atomic(folder / "benchmark.json", record(results, lines, what=what, seed=seed))
    (folder / "benchmark.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for key, result in results.items():
        result.draw().savefig(folder / f"{key}.png", dpi=144, metadata={"Software": None})
    page = write_page(folder / "benchmark.html", title, list(results.values()), lead=lead)
    return Written(folder / "benchmark.json", page)


def record(
    results: Mapping[str, BenchmarkResult], lines: list[str], *, what: str, seed: int
) -> dict[str, Any]:
    """What is published: a few figures of each case by name, the table, and all the rest in a list, kept as it is."""
    first = next(iter(results.values()))
    return {
        "schema": SCHEMA,
        "what": what,
        "repeats": first.settings.rounds,
        "seeds": [seed],
        "table": lines,
        "cases": {key: figures(result) for key, result in results.items()},
        "environment": {key: value for key, value in first.environment.items() if key != "command"},
        "results": [result.as_dict() for result in results.values()],
    }


def figures(result: BenchmarkResult) -> dict[str, Any]:
    """The figures of one case, by variant."""
    found: dict[str, Any] = {}
    for one in result.measurements:
        rate, step, share = one.items_per_s(), one.step_s(), result.share_of_yardstick(one.name)
        if rate is None or step is None:
            continue
        names = result.baselines
        ratios = {name: result.ratio(one.name, name) for name in names}
        cpu_ratios = {name: result.ratio(one.name, name, "cpu") for name in names}
        found[one.name] = {
            f"{result.unit}_per_s": rate.median,
            **({} if one.samples_per_s is None else {"samples_per_s": one.samples_per_s}),
            "ms_per_step": 1e3 * step.median,
            "share_of_product": None if share is None else share.estimate,
            "peak_memory_bytes": one.peak_memory_bytes,
            "first_step_s": one.first_step_s,
            "start_up_s": one.start_up_s,
            "speed_against": estimates(ratios),
            "cpu_speed_against": estimates(cpu_ratios),
            "memory_against": {name: result.memory_ratio(one.name, name) for name in names},
            "last_value": one.turns[-1].value,
        }
    return found


def estimates(ratios: Mapping[str, PairedRatio | None]) -> dict[str, float]:
    """The ratios that there are."""
    return {name: ratio.estimate for name, ratio in ratios.items() if ratio is not None}


def markdown_lines(results: Mapping[str, BenchmarkResult]) -> list[str]:
    """A heading and a table for every case."""
    lines: list[str] = []
    for result in results.values():
        lines += [*([""] if lines else []), f"{result.title}:", "", *result.markdown().splitlines()]
    return lines
