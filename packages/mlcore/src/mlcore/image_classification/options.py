"""The command-line options of the shared commands. Imports no torch: `--help` must answer at once."""

from pathlib import Path

import click

from mlcore.cli.study_options import study_options

METHODS = ("magnitude", "filters")
_FOLDER = click.Path(path_type=Path, file_okay=False)

SPLIT = click.Option(
    ["--split"],
    type=click.Choice(["test", "validation"]),
    default="test",
    show_default=True,
    help="Which images.",
)
NUM_FAILURES = click.Option(
    ["--num"], type=click.IntRange(1, 100), default=25, show_default=True, help="Mistakes in the gallery."
)
CORRUPTIONS = click.Option(
    ["--corruptions"], is_flag=True, help="Also judge copies with noise, blur, other brightness and contrast."
)
NO_PREFLIGHT = click.Option(["--no-preflight"], is_flag=True, help="Skip the checks before training.")
REPORT_FILE = click.Option(
    ["--output", "-o"], type=click.Path(path_type=Path), help="Also write the report as JSON."
)
EXPORT_OPTIONS = (
    click.Option(
        ["--format"],
        type=click.Choice(["onnx", "safetensors"]),
        help="What to write; the ending of --output says it too; onnx otherwise.",
    ),
    click.Option(
        ["--output", "-o"], type=click.Path(path_type=Path, dir_okay=False), help="File; export/ of the run."
    ),
)
PRUNING_OPTIONS = (
    click.Option(
        ["--amount"],
        default="0.5,0.7,0.9",
        show_default=True,
        help="Shares to take out, by commas; a run each.",
    ),
    click.Option(
        ["--method"],
        type=click.Choice(METHODS),
        default="magnitude",
        show_default=True,
        help="Single weights, the smallest; or whole filters, those of smallest norm.",
    ),
    click.Option(
        ["--scope"],
        type=click.Choice(["network", "layer"]),
        help="Compare all of the network (default of magnitude), or each layer's own (of filters).",
    ),
    click.Option(
        ["--epochs"],
        type=click.IntRange(min=1),
        default=3,
        show_default=True,
        help="How long the rest is trained on, with the run's own settings.",
    ),
)
_STUDY_OPTIONS = (
    *study_options("42,123,456"),
    click.Option(["--set", "settings"], multiple=True, metavar="KEY=VALUE", help="Set any key in all runs."),
)
COMPARISON_OPTIONS = (
    click.Option(["--configs"], type=_FOLDER, help="Folder of the configurations; one is reference.yaml."),
    *_STUDY_OPTIONS,
)
STOPPING_OPTIONS = (
    click.Option(
        ["--configs"], default="adaptive,adaptive_whitened", show_default=True, help="Names in configs/."
    ),
    click.Option(
        ["--longest"],
        type=click.IntRange(2),
        default=60,
        show_default=True,
        help="Epochs of the runs from which every shorter length is read.",
    ),
    *_STUDY_OPTIONS,
)
