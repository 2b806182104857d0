"""Figures of measurements made by hand, against ratios and medians worked out by hand."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from mlcore.benchmarking import (
    BenchmarkError,
    BenchmarkResult,
    BenchmarkSettings,
    Measurement,
    Variant,
    new_folder,
    write_page,
)
from mlcore.benchmarking.machine_load import LoadReading, other_cpu_share
from mlcore.benchmarking.measurement import Turn
from mlcore.benchmarking.records import figures
from mlcore.benchmarking.result import portable_command
from mlcore.benchmarking.spread import spread_of
from mlcore.benchmarking.tables import headings, rows
from mlcore.runs import list_runs
from rich.console import Console

MEBIBYTE = 2**20


def turn(number: int, *wall_s: float, share: float | None = 0.0, idle_cpu_s: float = 0.0) -> Turn:
    return Turn(
        number, number * 10.0, number * 10.0 + 1, wall_s, tuple(2 * s for s in wall_s), idle_cpu_s, share, 3.5
    )


def measured(name: str, *turns: Turn, items: float = 100, **fields: object) -> Measurement:
    known = {
        "items_per_step": items,
        "flops_per_step": 1e9,
        "dtype": "float32",
        "device": "cpu",
        "threads": 4,
    }
    return Measurement(Variant(name, "m:f"), turns=turns, **{**known, **fields})  # type: ignore[arg-type]


def result_of(*measurements: Measurement, yardsticks: tuple[Measurement, ...] = ()) -> BenchmarkResult:
    settings = BenchmarkSettings(rounds=3, steps_per_round=3)
    return BenchmarkResult(
        "a title", "tokens", settings, measurements, yardsticks, {"cpu": "a processor"}, 30.0
    )


@pytest.fixture
def result() -> BenchmarkResult:
    """Rounds of very different speed, in which `fast` always takes 1/2, 1/3 and 1/4 of the time of `slow`."""
    slow = measured(
        "slow",
        turn(0, 0.2, 0.2, 0.9),
        turn(1, 0.6, 0.6, 0.6),
        turn(2, 4.0, 4.0, 1.0),
        peak_memory_bytes=100 * MEBIBYTE,
    )
    fast = measured(
        "fast",
        turn(0, *[0.1] * 6),
        turn(1, 0.2, 0.2, 0.1),
        turn(2, 1.0, 1.0, 9.0),
        peak_memory_bytes=25 * MEBIBYTE,
    )
    products = measured("yardstick_float32_cpu", turn(0, 0.05), turn(1, 0.1), turn(2, 0.5))
    failed = Measurement(Variant("gone", "m:f"), failure="ended with exit code 7 (before the first round)")
    return result_of(slow, fast, failed, yardsticks=(products,)).against("slow")


def test_ratios_are_taken_round_by_round_and_their_median_reported(result: BenchmarkResult) -> None:
    ratio = result.ratio("fast", "slow")
    assert ratio.values == pytest.approx((2.0, 3.0, 4.0))
    assert ratio.estimate == pytest.approx(3.0)
    assert 2.0 <= ratio.low <= 3.0 <= ratio.high <= 4.0
    overall = result["fast"].items_per_s().median / result["slow"].items_per_s().median
    assert overall == pytest.approx(6.0), "a ratio of overall medians is another figure here"


def test_the_interval_of_a_ratio_is_the_bootstrap_of_the_median() -> None:
    generator = np.random.default_rng(0)
    ratios = 1.5 + 0.1 * generator.standard_normal(40)
    slow = measured("slow", *(turn(number, 1.0) for number in range(40)))
    fast = measured("fast", *(turn(number, float(1 / ratio)) for number, ratio in enumerate(ratios)))
    ratio = result_of(slow, fast).ratio("fast", "slow")
    draws = np.median(generator.choice(ratios, (20_000, 40)), axis=1)
    assert (ratio.low, ratio.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.01)


def test_different_numbers_of_items_are_compared_by_rate() -> None:
    small, large = measured("small", turn(0, 1.0), items=10), measured("large", turn(0, 2.0), items=60)
    assert result_of(small, large).ratio("large", "small").estimate == pytest.approx(3.0)


def test_the_share_of_the_yardstick_is_a_ratio_of_operations(result: BenchmarkResult) -> None:
    assert result.share_of_yardstick("fast").values == pytest.approx((0.5, 0.5, 0.5))
    assert result.share_of_yardstick("gone") is None


def test_five_numbers_are_those_of_a_list_sorted_by_hand() -> None:
    spread = spread_of([5.0, 1.0, 3.0, 2.0, 4.0])
    found = (spread.minimum, spread.lower_quartile, spread.median, spread.upper_quartile, spread.maximum)
    assert found == (1, 2, 3, 4, 5)
    assert spread_of([]) is None


def test_contention_is_wall_time_over_the_time_of_all_threads() -> None:
    """CPU time twice the wall time with four threads: half of what they could have used."""
    assert measured("a", turn(0, 1.0, 2.0)).contention == pytest.approx(2.0)
    assert measured("a", turn(0, 1.0, 2.0), device="cuda:0").contention is None


def test_others_share_of_the_machine_is_what_neither_child_nor_parent_used() -> None:
    before, after = LoadReading(100.0, 50.0, 1.0), LoadReading(110.0, 65.0, 2.0)
    assert other_cpu_share(before, after, child_cpu_s=9.0, num_cores=2) == pytest.approx((15 - 9 - 1) / 20)
    assert other_cpu_share(before, after, child_cpu_s=20.0, num_cores=2) == 0.0
    assert other_cpu_share(None, after, 0.0) is None


def test_a_busy_machine_an_unsteady_yardstick_and_a_restless_sleeper_are_told() -> None:
    quiet = measured("quiet", turn(0, 1.0, share=0.02), turn(1, 1.0, share=0.05))
    busy = measured("busy", turn(0, 1.0, share=0.3), turn(1, 1.0, share=0.1, idle_cpu_s=2.0))
    steady, unsteady = turn(0, 1.0, 1.0), turn(1, 2.0, 2.0)
    warnings = result_of(quiet, busy, yardsticks=(measured("yardstick", steady, unsteady),)).warnings
    assert any("other processes used 20% of it while busy ran" in warning for warning in warnings)
    assert any("busy used 2.0 s of CPU time while others were measured" in warning for warning in warnings)
    assert any("yardstick varied" in warning for warning in warnings)
    assert not any("quiet" in warning for warning in warnings)


def test_the_json_holds_every_time_and_no_folder_of_this_machine(
    result: BenchmarkResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["/somewhere/else/benchmark.py", "--rounds", "3", "--output", "/tmp/here"]
    )
    content = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert content["schema"] == 1
    assert content["command"] == ["benchmark.py", "--rounds", "3", "--output", "here"]
    assert content["variants"]["slow"]["turns"][0]["wall_s"] == [0.2, 0.2, 0.9]
    assert content["ratio"]["slow"]["fast"]["estimate"] == pytest.approx(3.0)
    assert content["memory_ratio"]["slow"]["fast"] == 0.25
    assert content["variants"]["gone"]["failure"].startswith("ended with exit code 7")
    assert "rows" not in content, "tools/publish_result.py takes a file with rows for a gradient report"


def test_secrets_on_the_command_line_are_not_kept() -> None:
    assert "hunter2" not in " ".join(portable_command(["x", "--api-key", "hunter2"]))


def test_tables_say_what_was_measured_and_what_was_not(result: BenchmarkResult) -> None:
    lines = result.markdown().splitlines()
    cells = {line.split(" | ")[0].strip("| "): line for line in lines if line.startswith("|")}
    assert "3.00 [" in cells["fast"]
    assert "failed" in cells["gone"]
    assert "50%" in cells["fast"]
    assert "25 MiB" in cells["fast"]
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert any("gone failed" in line for line in lines)
    assert "3.00 [" in shown(result, width=200)


def shown(result: BenchmarkResult, *, width: int) -> str:
    console = Console(width=width, file=StringIO())
    console.print(result.table())
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_terminal_shows_whole_cells_and_names_the_columns_that_it_has_no_room_for(
    result: BenchmarkResult, width: int
) -> None:
    text = " ".join(shown(result, width=width).split())
    table, _, rest = text.partition("no room for")
    assert "…" not in text
    assert "3.00 [" in table
    for name in headings(result):
        assert (name in table) != (name in rest), name
    assert bool(rest) == (width < 200)


def test_the_fastest_is_found_among_those_that_were_measured(result: BenchmarkResult) -> None:
    assert result.fastest(["slow", "fast", "gone", "unknown"]) == "fast"
    assert result.fastest(["gone"]) is None
    with pytest.raises(BenchmarkError, match="did you mean 'slow'"):
        result.against("slwo")


def test_the_figure_has_a_bar_of_the_median_rate_for_every_measured_variant(result: BenchmarkResult) -> None:
    rates, memory = result.draw().axes
    assert [label.get_text() for label in rates.get_yticklabels()] == ["slow", "fast"]
    assert [bar.get_width() for bar in rates.patches] == pytest.approx([100 / 0.6, 100 / 0.1])
    assert [bar.get_width() for bar in memory.patches] == pytest.approx([100, 25])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_self_contained_and_escapes_what_it_shows(
    result: BenchmarkResult, tmp_path: Path
) -> None:
    evil = measured("slow", turn(0, 1.0), failure="<script>alert(1)</script>")
    path = write_page(tmp_path / "page.html", "a <b>title</b>", [result, result_of(evil)])
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "a &lt;b&gt;title" in text
    page = _Page()
    page.feed(text)
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert "3.00 [" in page.text
    assert "a processor" in page.text
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in text, "a browser would refuse another style"


def test_columns_of_parameters_and_samples_come_where_they_say_something() -> None:
    plain = replace(measured("one", turn(0, 0.5)), facts={"parameters": 7})
    same = result_of(plain, replace(plain, variant=Variant("two", "m:f")))
    assert not {"samples/s", "parameters"} & set(headings(same)), "all have as many"
    large = replace(plain, variant=Variant("two", "m:f"), facts={"parameters": 9, "items_per_sample": 25})
    result = result_of(plain, large)
    columns = headings(result)
    (row,) = (cells for cells in rows(result) if cells[0] == "two")
    assert row[columns.index("parameters")] == "9"
    samples_per_s = large.items_per_step / 0.5 / 25
    assert float(row[columns.index("samples/s")]) == pytest.approx(samples_per_s)
    assert figures(result)["two"]["samples_per_s"] == pytest.approx(samples_per_s)
    assert {len(cells) for cells in rows(result)} == {len(columns)}


def test_a_folder_of_results_is_no_run_and_never_the_same_twice(tmp_path: Path) -> None:
    folders = [new_folder(tmp_path) for _ in range(3)]
    assert len(set(folders)) == 3
    assert list_runs(tmp_path) == []
