"""`python -m mlcore.experiments list | show RUN | compare A B | groups | note RUN TEXT`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlcore.errors import ConfigError, RunNotFoundError, UserError

if TYPE_CHECKING:
    from mlcore.experiments.experiment_logger import ExperimentLogger

_CONTEXT = {"help_option_names": ["-h", "--help"]}


def _runs_dir_option(function: Callable[..., Any]) -> Callable[..., Any]:
    help_text = "Folder of the run folders; by default ./runs, else the only projects/*/runs that there is."
    return click.option("--runs-dir", type=click.Path(path_type=Path), help=help_text)(function)


def _metric_option(function: Callable[..., Any]) -> Callable[..., Any]:
    help_text = "A metric: accuracy, test.accuracy, best.val_loss, wall_s, …"
    return click.option("--metric", metavar="NAME", help=help_text)(function)


def _json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


@click.group(context_settings=_CONTEXT)
def app() -> None:
    """The ledger of runs, read from the run folders themselves."""


@app.command("list")
@_runs_dir_option
@_metric_option
@click.option("--name", metavar="PATTERN", help="Only runs of this name; * stands for anything.")
@click.option(
    "--status", metavar="STATUS", help="Only runs of this status; complete means those that ended well."
)
@click.option(
    "--where", multiple=True, metavar="KEY=VALUE", help="Only runs with this in their configuration."
)
@click.option("--column", "columns", multiple=True, metavar="KEY", help="Show this key or metric too.")
@click.option(
    "--sort", default="started", metavar="KEY", help="A key or metric; -KEY begins with the largest."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@_json_option
def list_runs(
    runs_dir: Path | None,
    metric: str | None,
    name: str | None,
    status: str | None,
    where: Sequence[str],
    columns: Sequence[str],
    sort: str,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List the runs, oldest first; damaged ones with what is wrong."""
    ledger = _ledger(runs_dir)
    records = ledger.query(name=name, status=status, where=_conditions(where), sort=sort)
    if as_json or as_csv:
        from mlcore.experiments.export import csv_text, json_text

        print((json_text if as_json else csv_text)(records), end="")
        return
    from mlcore.experiments.metric_names import default_metric
    from mlcore.experiments.tables import show

    if not records:
        print(
            f"no runs in {ledger.runs_dir}" if not len(ledger) else "no runs answer to that", file=sys.stderr
        )
        return
    shown = metric or default_metric(records)
    show(ledger.table(records, columns=[*columns, *([shown] if shown else [])]))


@app.command()
@click.argument("run")
@_runs_dir_option
@_json_option
def show(run: str, runs_dir: Path | None, as_json: bool) -> None:
    """Show everything about the run RUN: a folder, its name, or a run's name for its newest run."""
    ledger = _ledger(runs_dir, run)
    record = ledger.find(run)
    notes = ledger.notes(record.path)
    if as_json:
        _print_json({**record.as_dict(), "notes": [note.as_dict() for note in notes]})
        return
    from mlcore.experiments.tables import record_view
    from mlcore.experiments.tables import show as print_view

    print_view(record_view(record, notes))


@app.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@_runs_dir_option
@_metric_option
@click.option(
    "--tolerance", default=1e-6, show_default=True, help="Relative difference that counts as close."
)
@_json_option
def compare(
    first: str, second: str, runs_dir: Path | None, metric: str | None, tolerance: float, as_json: bool
) -> None:
    """Compare A with B: configuration, environment, first diverging step, and the metric with its p-value.

    A and B are run folders or names. A name means all complete runs of its newest configuration: their seeds are
    compared too.
    """
    comparison = _ledger(runs_dir, first, second).compare(first, second, metric=metric, tolerance=tolerance)
    if as_json:
        _print_json(comparison.as_dict())
        return
    from mlcore.experiments.tables import show

    show(comparison.render())


@app.command()
@_runs_dir_option
@_metric_option
@click.option("--name", metavar="PATTERN", help="Only runs of this name; * stands for anything.")
@click.option(
    "--where", multiple=True, metavar="KEY=VALUE", help="Only runs with this in their configuration."
)
@click.option("--baseline", metavar="LABEL", help="Compare every group with this one.")
@_json_option
def groups(
    runs_dir: Path | None,
    metric: str | None,
    name: str | None,
    where: Sequence[str],
    baseline: str | None,
    as_json: bool,
) -> None:
    """Complete runs by configuration without the seed: mean, spread and interval of a metric."""
    from mlcore.experiments.metric_names import default_metric, resolve_metric

    ledger = _ledger(runs_dir)
    found = ledger.groups(name=name, where=_conditions(where))
    records = [record for group in found for record in group.records]
    if not records:
        print(
            "[]" if as_json else f"no complete runs in {ledger.runs_dir}",
            file=None if as_json else sys.stderr,
        )
        return
    full = default_metric(records) if metric is None else resolve_metric(metric, records)
    table = None
    if baseline is not None:
        if full is None:
            raise ConfigError("no metric to compare: name one with --metric")
        table = ledger.statistics(full, name=name, where=_conditions(where)).compare_all(baseline)
    if as_json:
        content = [group.as_dict() | {"metric": full, "values": _values(group, full)} for group in found]
        _print_json(content if table is None else {"groups": content, "comparison": table.as_dict()})
        return
    from mlcore.experiments.tables import group_table, show

    show(group_table(found, full) if table is None else table.table())


@app.command()
@click.argument("run")
@click.argument("text")
@_runs_dir_option
def note(run: str, text: str, runs_dir: Path | None) -> None:
    """Keep the note TEXT in the folder of the run RUN."""
    print(_ledger(runs_dir, run).log_note(run, text))


def _ledger(runs_dir: Path | None, *specs: str) -> ExperimentLogger:
    """The ledger to ask. Where every run is named by its path, no folder of runs is needed."""
    from mlcore.experiments.experiment_logger import ExperimentLogger

    if runs_dir is not None:
        if not runs_dir.is_dir():
            raise RunNotFoundError(f"{runs_dir}: no such folder of runs")
        return ExperimentLogger(runs_dir)
    candidates = [path for path in (Path("runs"), *sorted(Path("projects").glob("*/runs"))) if path.is_dir()]
    if candidates and (candidates[0] == Path("runs") or len(candidates) == 1):
        return ExperimentLogger(candidates[0])
    if specs and all(Path(spec).exists() for spec in specs):
        return ExperimentLogger(Path("runs"))
    if candidates:
        raise RunNotFoundError(f"which runs? --runs-dir {' or '.join(map(str, candidates))}")
    raise RunNotFoundError("no folder of runs here (./runs, projects/*/runs); name one with --runs-dir")


def _conditions(words: Sequence[str]) -> dict[str, Any]:
    """`model.type=fc` as a key and a value, read as YAML reads it; lists as in `model.hidden_sizes=[256, 128]`."""
    from mlcore.config.yaml_reader import read_yaml

    conditions = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not (key and equals):
            raise ConfigError(f"command line: --where: expected KEY=VALUE, got {word!r}")
        node, _ = read_yaml(f"value: {text}", f"command line: --where {key}")
        content = node.plain()
        assert isinstance(content, dict), content
        conditions[key] = content["value"]
    return conditions


def _values(group: Any, metric: str | None) -> dict[str, float]:
    return {} if metric is None else {str(seed): value for seed, value in group.values(metric).items()}


def _print_json(content: Any) -> None:
    from mlcore.logger.plain_values import to_plain

    print(json.dumps(to_plain(content), indent=2, ensure_ascii=False, allow_nan=False))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; exit codes as in `mlcore.errors`."""
    from mlcore.cli.running import report_error

    try:
        app(args=argv, prog_name="python -m mlcore.experiments", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except (UserError, OSError, KeyboardInterrupt) as error:
        return report_error(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
