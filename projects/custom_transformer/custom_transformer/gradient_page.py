"""The command `gradient_report`: run the checks, print the table, write the JSON and a page that shows every error."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment
from mlmodels.gradient_checks.report import GradientReport
from mlmodels.gradient_checks.run import run_gradient_report
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

DTYPES = ("float64", "float32", "bfloat16")

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gradient report</title>
<style>
:root { color-scheme: light dark; --ok: #2e8b57; --bad: #c0392b }
:root { --line: color-mix(in srgb, currentColor 15%, transparent) }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 3rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2.5rem }
.lead { font-size: 1.05rem } .note { opacity: .75; max-width: 46rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; white-space: nowrap; padding: .25rem .7rem; border-bottom: 1px solid var(--line) }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left }
th { font-weight: 600 } td.bar { width: 30% }
.track { position: relative; height: .6rem; background: var(--line); border-radius: .3rem }
.track i { position: absolute; inset: 0 auto 0 0; border-radius: .3rem; background: var(--ok) }
.failed .track i { background: var(--bad) } .failed { color: var(--bad) } .scroll { overflow-x: auto }
</style></head><body>
<h1>Gradient report</h1>
<p class="lead">{{ passed }} of {{ total }} rows pass.
Worst relative error:
{% for name, worst in worsts %}{{ worst }} in {{ name }}{{ "; " if not loop.last }}{% endfor %}.</p>
<p class="note">{{ report.num_cases }} random cases an op, seed {{ report.seed }}, torch {{ report.torch_version }},
{{ "%.0f" | format(report.seconds) }} s. Each error is the worst over all cases: the largest difference to
autograd in float64 on the same inputs, relative to the largest entry of the gradient. A bar shows the error on a
logarithmic scale from 1e-17; it is full where the goal is reached. Differences are central, in float64.</p>
{% for name, rows in groups %}
<h2>{{ name }}</h2>
<div class="scroll"><table><thead><tr><th>op or model</th><th>gradient of</th><th>cases</th><th>worst error</th>
<th>autograd's own</th><th>differences</th><th>goal</th><th>error against goal</th></tr></thead><tbody>
{% for row in rows %}<tr{% if not row.passed %} class="failed"{% endif %}>
<td>{{ row.name }}</td><td>{{ row.tensor }}</td><td>{{ row.num_cases }}</td>
<td>{{ row.worst }}</td><td>{{ row.own }}</td><td>{{ row.differences }}</td><td>{{ row.goal }}</td>
<td class="bar"><div class="track"><i style="width:{{ row.width }}%"></i></div></td></tr>
{% endfor %}</tbody></table></div>
{% endfor %}
</body></html>
"""


def report_gradients(num_cases: int, dtypes: Sequence[str], seed: int, output: Path) -> int:
    """Run, print, write; the exit code is 1 where a row fails."""
    console = Console()
    columns = (TextColumn("{task.description:<22}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        report = run_gradient_report(
            num_cases,
            tuple(dtypes) or DTYPES,
            seed,
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    console.print(summary_table(report))
    for row in report.failures:
        console.print(
            f"[red]FAILED[/] {row.name} {row.tensor} {row.dtype}: {row.worst_error:.1e} in case {row.worst_case}"
        )
    output.mkdir(parents=True, exist_ok=True)
    (output / "gradient_report.json").write_text(report.to_json(), encoding="utf-8")
    (output / "gradient_report.txt").write_text(report.to_table() + "\n", encoding="utf-8")
    page = output / "gradient_report.html"
    page.write_text(page_of(report), encoding="utf-8")
    passed = len(report.rows) - len(report.failures)
    console.print(
        f"{passed} of {len(report.rows)} rows pass ({report.seconds:.0f} s)\nreport  {page}", highlight=False
    )
    return 0 if report.passed else 1


def summary_table(report: GradientReport) -> Table:
    """The worst error of every op and of the model, dtype by dtype."""
    dtypes = [name for name in DTYPES if any(row.dtype == name for row in report.rows)]
    table = Table(title=f"worst relative error, {report.num_cases} cases an op", title_justify="left")
    table.add_column("op or model")
    table.add_column("gradients", justify="right")
    for name in [*dtypes, "differences"]:
        table.add_column(name, justify="right")
    for subject in dict.fromkeys(row.name for row in report.rows):
        rows = [row for row in report.rows if row.name == subject]
        worst = [
            max((row.worst_error for row in rows if row.dtype == dtype), default=0.0) for dtype in dtypes
        ]
        differences = max((row.difference_error or 0.0 for row in rows), default=0.0)
        style = "" if all(row.passed for row in rows) else "red"
        cells = [f"{error:.1e}" for error in [*worst, differences]]
        table.add_row(subject, str(len({row.tensor for row in rows})), *cells, style=style)
    return table


def page_of(report: GradientReport) -> str:
    """The HTML page: self-contained, readable from disk."""
    groups = [(name, [_row(row) for row in report.rows if row.dtype == name]) for name in DTYPES]
    groups = [(name, rows) for name, rows in groups if rows]
    worsts = [(name, f"{report.worst(name):.1e}") for name, _ in groups]
    passed = len(report.rows) - len(report.failures)
    template = Environment(autoescape=True).from_string(PAGE)
    return template.render(report=report, groups=groups, worsts=worsts, passed=passed, total=len(report.rows))


def _row(row: Any) -> dict[str, Any]:
    exponent_range = math.log10(row.goal) + 17
    reached = math.log10(max(row.worst_error, 1e-17)) + 17
    return {
        "name": row.name,
        "tensor": row.tensor,
        "num_cases": row.num_cases,
        "worst": f"{row.worst_error:.1e}",
        "own": f"{row.autograd_error:.1e}",
        "differences": "" if row.difference_error is None else f"{row.difference_error:.1e}",
        "goal": f"{row.goal:.1e}",
        "width": max(1, min(100, round(100 * reached / exponent_range))),
        "passed": row.passed,
    }
