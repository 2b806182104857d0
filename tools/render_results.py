"""Fill the READMEs' result tables from assets/results; --check only says whether they are current (exit code 1)."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "assets" / "results"
BLOCK = re.compile(
    r"(<!-- (?P<kind>results|result rows): (?P<names>[^>]*?) -->\n)(.*?)(?P<end><!-- end of results -->)",
    re.DOTALL,
)

ACCURACY = "evaluation.metrics.accuracy"
FIGURES = {
    "evaluation.metrics.loss": "validation loss, nats per token",
    "evaluation.metrics.perplexity": "perplexity",
    "evaluation.metrics.bits_per_byte": "bits per byte",
    "evaluation.metrics.token_accuracy": "token accuracy",
    "evaluation.dynamic.loss": "loss of dynamic evaluation, nats per token",
    "evaluation.dynamic.token_accuracy": "token accuracy of dynamic evaluation",
    "evaluation.unigram_entropy": "unigram entropy, nats per token",
    "evaluation.baselines.bigram.loss": "bigram baseline, nats per token",
    "evaluation.baselines.trigram.loss": "trigram baseline, nats per token",
    "evaluation.baselines.5-gram.loss": "5-gram baseline, nats per token",
    "evaluation.baselines.5-gram.token_accuracy": "token accuracy of the 5-gram baseline",
    "metrics.wall_s": "training time, s",
    "metrics.throughput.items_per_s": "tokens per second",
    "metrics.parameters": "parameters",
    "preparing.ratio_to_encode_batch": "preparing tokens, speed relative to `tokenizers.encode_batch` (same ids)",
    "batches.ms_per_batch.token_windows": "a batch of 16 × 256, ms",
    "batches.ratio_to_map_style_loader": "batches, speed relative to a map-style data set with a DataLoader",
    "data_path.batch_512.ratio.torchvision": "loading an epoch, batch 512: times faster than torchvision's way",
    "data_path.batch_512.ratio.torchvision_2_workers": "the same, its loader with 2 workers",
    "data_path.batch_512.images_per_s.image_batches": "images loaded per second",
    "training.batch_512.ratio.torchvision": "training an epoch, batch 512: times faster than torchvision's way",
    "training.batch_512.ratio.torchvision_2_workers": "the same, its loader with 2 workers",
    "training.batch_512.median_seconds.image_batches": "an epoch of training, batch 512, s",
    "training.batch_64.ratio.torchvision": "training an epoch, batch 64: times faster than torchvision's way",
    "augmentation.affine_elastic.ratio.torchvision_2_workers": (
        "affine and elastic augmentation: times faster than torchvision.transforms.v2 with 2 workers"
    ),
    "augmentation.affine_elastic.images_per_s.image_batches": "images augmented so per second",
    "gradients.rows": "gradients checked (op or parameter, in each dtype)",
    "gradients.passed": "of these within their goal",
    "gradients.worst_float64": "worst relative error, float64",
    "gradients.worst_float32": "worst relative error, float32",
    "gradients.worst_differences": "worst relative error against central differences, float64",
}


def figure_text(figure: dict[str, Any]) -> str:
    """`mean ± sd` with as many digits as are worth reading."""
    mean = figure["mean"]
    if 0 < abs(mean) < 1e-3:
        return f"{mean:.1e}"
    digits = 0 if abs(mean) >= 1000 or mean == int(mean) else 1 if abs(mean) >= 100 else 3
    text = f"{mean:,.{digits}f}"
    spread = figure["sd"]
    return text if not spread else f"{text} ± {spread:,.{digits}f}"


def interval_text(result: dict[str, Any], key: str) -> str:
    """The 95 % interval over seeds, or for one run that over its validation sequences."""
    interval = result["figures"][key]["interval95"]
    if interval is None:
        interval = (result.get("intervals_of_one_run") or {}).get(key)
    if not interval or interval[1] <= interval[0]:
        return ""
    digits = 0 if interval[1] >= 1000 else 1 if interval[1] >= 100 else 3
    return f"{interval[0]:,.{digits}f} to {interval[1]:,.{digits}f}"


def table_of(result: dict[str, Any]) -> str:
    """One result as a small table, with the command that makes it again."""
    if result.get("table"):
        return "\n".join([*heading(result), *result["table"], ""])
    lines = [*heading(result), "| figure | value | 95 % interval |", "|---|---:|---:|"]
    for key, label in FIGURES.items():
        if key in result["figures"]:
            lines.append(
                f"| {label} | {figure_text(result['figures'][key])} | {interval_text(result, key)} |"
            )
    return "\n".join([*lines, "", *sample_lines(result)])


def heading(result: dict[str, Any]) -> list[str]:
    """What was measured, how often, on what, and the command that does it again."""
    environment = result["environment"]
    machine = f"{environment.get('cpu', 'unknown processor')}, {environment.get('num_usable_cores')} cores"
    if str((result.get("config") or {}).get("device", "")).startswith("cuda"):
        machine = ", ".join((environment.get("torch") or {}).get("cuda_devices") or [machine])
    seeds = ", ".join(map(str, result["seeds"]))
    return [
        f"**{result['title']}** (n = {result['n']}, seeds {seeds}; {machine})",
        "",
        f"`{result['command']}`",
        "",
    ]


def sample_lines(result: dict[str, Any]) -> list[str]:
    """The first sample, as it came: chosen by its place, not by its quality."""
    samples = result.get("samples") or []
    if not samples:
        return []
    text = f"**{samples[0]['prompt'].strip()}**{samples[0]['text'].rstrip()}"
    return ["The first sample:", "", *(f"> {line}".rstrip() for line in text.splitlines()), ""]


def rows_of(results: list[dict[str, Any]]) -> str:
    """Classifiers beside one another, one row each, with the commands that train them below."""
    lines = [
        "| configuration | test accuracy | 95 % interval | n | training, s | parameters |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        figures = result["figures"]
        cells = (
            percent_text(figures[ACCURACY]),
            percent_interval(result),
            str(result["n"]),
            seconds_text(figures.get("metrics.training_s", figures["metrics.wall_s"])),
            figure_text(figures["metrics.parameters"]),
        )
        lines.append(f"| {result['title']} | {' | '.join(cells)} |")
    machines = {
        f"{r['environment'].get('cpu')}, {r['environment'].get('num_usable_cores')} cores" for r in results
    }
    lines += ["", f"Measured on {'; '.join(sorted(machines))}. The commands:", ""]
    for result in results:
        seeds = ", ".join(map(str, result["seeds"]))
        lines.append(f"- `{result['command']}` (seeds {seeds})")
    return "\n".join(lines) + "\n"


def percent_text(figure: dict[str, Any]) -> str:
    """A share as `mean ± sd` in per cent."""
    spread = "" if figure["sd"] is None else f" ± {100 * figure['sd']:.2f}"
    return f"{100 * figure['mean']:.2f}{spread} %"


def seconds_text(figure: dict[str, Any]) -> str:
    """Seconds as `mean ± sd`."""
    digits = 0 if figure["mean"] >= 10 else 1
    spread = "" if figure["sd"] is None else f" ± {figure['sd']:,.{digits}f}"
    return f"{figure['mean']:,.{digits}f}{spread}"


def percent_interval(result: dict[str, Any]) -> str:
    """The interval of the mean over seeds; for one run that over its images."""
    interval = result["figures"][ACCURACY]["interval95"]
    interval = interval or (result.get("intervals_of_one_run") or {}).get(ACCURACY)
    return "" if not interval else f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f} %"


def tables(kind: str, names: str) -> str:
    """The named results in the order given: a table each, or a row each."""
    files = [RESULTS / f"{name.strip()}.json" for name in names.split(",")]
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return rows_of(results) if kind == "result rows" else "\n".join(map(table_of, results)) + "\n"


def rendered(text: str) -> str:
    """A README with its result blocks filled."""
    return BLOCK.sub(
        lambda match: match.group(1) + tables(match.group("kind"), match.group("names")) + match.group("end"),
        text,
    )


def main(argv: list[str] | None = None) -> int:
    """Fill, or check, every README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(argv)
    stale = []
    for readme in sorted([REPOSITORY / "README.md", *REPOSITORY.glob("projects/*/README.md")]):
        text = readme.read_text(encoding="utf-8")
        if rendered(text) != text:
            stale.append(str(readme.relative_to(REPOSITORY)))
            if not options.check:
                readme.write_text(rendered(text), encoding="utf-8")
    print(f"{'stale' if options.check else 'rewritten'}: {', '.join(stale) or 'none'}")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
