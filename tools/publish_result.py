"""Write assets/results/NAME.json from finished runs: figures with command, config, seeds, spread and environment."""

import argparse
import json
import math
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from scipy.stats import t as student_t

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "assets" / "results"


def read_run(run: Path) -> dict[str, Any]:
    """The four files of a run that a result is made of."""
    return {
        "config": yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8")),
        "environment": json.loads((run / "environment.json").read_text(encoding="utf-8")),
        "metrics": json.loads((run / "metrics.json").read_text(encoding="utf-8")),
        "evaluation": json.loads((run / "evaluation.json").read_text(encoding="utf-8")),
    }


def validation_curve(run: Path) -> dict[str, list[float]]:
    """Validation figures after each epoch: seconds since the start, loss, and accuracy where there is one."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [record for record in map(json.loads, lines) if record["kind"] == "epoch" and "val" in record]
    curve = {"seconds": [record["timing"]["time_s"] for record in records]}
    for name in ("loss", "accuracy"):
        if records and all(name in record["val"] for record in records):
            curve[name] = [round(record["val"][name], 5) for record in records]
    return curve


def without_command(environment: dict[str, Any]) -> dict[str, Any]:
    """The environment without the words typed on one machine; the result names the command for every machine."""
    return {key: value for key, value in environment.items() if key != "command"}


def numbers(tree: Any, prefix: str = "") -> dict[str, float]:
    """All numbers of a nested dictionary under dotted names."""
    if isinstance(tree, bool):
        return {}
    if isinstance(tree, int | float):
        return {prefix: float(tree)}
    if isinstance(tree, dict):
        return {
            k: v
            for key, value in tree.items()
            for k, v in numbers(value, f"{prefix}.{key}".strip(".")).items()
        }
    return {}


def summary(values: list[float]) -> dict[str, Any]:
    """n, mean, standard deviation and the 95 % interval of the mean (Student's t); one value has no spread."""
    n = len(values)
    entry: dict[str, Any] = {
        "n": n,
        "mean": statistics.fmean(values),
        "sd": None,
        "interval95": None,
        "values": values,
    }
    if n > 1:
        entry["sd"] = statistics.stdev(values)
        half_width = float(student_t.ppf(0.975, n - 1)) * entry["sd"] / math.sqrt(n)
        entry["interval95"] = [entry["mean"] - half_width, entry["mean"] + half_width]
    return entry


def result_of(name: str, title: str, runs: list[Path], command: str) -> dict[str, Any]:
    """One result from one or more runs that differ by nothing but the seed and the name of their folder."""
    read = [read_run(run) for run in runs]
    configs = [{k: v for k, v in entry["config"].items() if k not in ("seed", "name")} for entry in read]
    if any(config != configs[0] for config in configs):
        raise SystemExit(
            "publish_result: the runs differ by more than their seed, so they are not one result"
        )
    flat = [numbers({part: entry[part] for part in ("metrics", "evaluation")}) for entry in read]
    shared = sorted(set.intersection(*(set(values) for values in flat)))
    first = read[0]
    return {
        "schema": 1,
        "name": name,
        "title": title,
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "seeds": [entry["config"].get("seed") for entry in read],
        "n": len(read),
        "commit": first["environment"].get("git", {}),
        "environment": without_command(first["environment"]),
        "config": first["config"],
        "figures": {key: summary([values[key] for values in flat]) for key in shared},
        "intervals_of_one_run": intervals_of_one_run(first["evaluation"]),
        "split": first["evaluation"].get("split"),
        "samples": first["evaluation"].get("samples", [])[:3],
        "validation_curves": [validation_curve(run) for run in runs],
    }


def intervals_of_one_run(evaluation: dict[str, Any]) -> dict[str, Any]:
    """The 95 % intervals over validation sequences or images that an evaluation states, under the figures' names."""
    return {
        f"evaluation.{part}.{key}": evaluation[part].get(f"{key}_interval")
        for part in ("metrics", "dynamic")
        if part in evaluation
        for key in ("loss", "accuracy", "token_accuracy")
    }


def gradient_figures(report: dict[str, Any]) -> dict[str, float]:
    """What a gradient report comes down to."""
    rows = report["rows"]
    worst = {
        f"gradients.worst_{dtype}": max(row["worst_error"] for row in rows if row["dtype"] == dtype)
        for dtype in ("float64", "float32")
    }
    return {
        "gradients.rows": float(len(rows)),
        "gradients.passed": float(sum(row["passed"] for row in rows)),
        "gradients.worst_differences": max(row["difference_error"] or 0.0 for row in rows),
        **worst,
    }


def result_of_measurement(name: str, title: str, file: Path, command: str) -> dict[str, Any]:
    """One result from the JSON that a measuring command wrote: a gradient report or a benchmark of medians."""
    from mlcore.environment import describe_environment

    measured = json.loads(file.read_text(encoding="utf-8"))
    is_gradients = "rows" in measured
    # Where the measuring command has noted its machine, that one counts, and not the one that publishes.
    environment = measured.pop("environment", None) or describe_environment(REPOSITORY)
    outcomes = {key: value for key, value in measured.items() if key not in ("config", "configs")}
    figures = gradient_figures(measured) if is_gradients else numbers(outcomes)
    seconds = measured.get("preparing", {}).get("seconds", {})
    repeats = measured.get("repeats") or next((len(value) for value in seconds.values()), 1)
    return {
        "schema": 1,
        "name": name,
        "title": title,
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "seeds": measured.get("seeds") or [measured.get("seed", 0)],
        "n": measured["num_cases"] if is_gradients else repeats,
        "commit": environment.get("git", {}),
        "environment": without_command(environment),
        "config": {key: value for key, value in measured.items() if not isinstance(value, dict | list)},
        "table": measured.get("table"),
        "figures": {key: summary([value]) for key, value in figures.items()},
        "measured": measured,
    }


def main(argv: list[str] | None = None) -> int:
    """Read the runs, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="file name in assets/results, without .json")
    parser.add_argument(
        "runs", nargs="*", type=Path, help="finished, evaluated runs that differ by their seed"
    )
    parser.add_argument(
        "--measured", type=Path, help="gradient_report.json or a benchmark's JSON, instead of runs"
    )
    parser.add_argument("--title", required=True, help="what the README's table calls it")
    parser.add_argument("--command", required=True, help="the one command that makes such a run")
    options = parser.parse_args(argv)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{options.name}.json"
    words = (options.name, options.title)
    if options.measured:
        result = result_of_measurement(*words, options.measured, options.command)
    else:
        result = result_of(*words, options.runs, options.command)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(path.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
