"""The command `fit_budget`: shapes inside the band as a table."""

from mlcore.cli import Options
from mlmodels.transformer_eras.budget import Fit, fit_budget
from rich.console import Console
from rich.table import Table

HEADINGS = ("d", "L", "heads", "ffn", "head", "positions", "parameters", "off by", "MFLOP", "×16")


def print_fits(options: Options) -> int:
    """Show what fits; 1 if nothing does."""
    extra = options.extra
    fits = fit_budget(
        extra["budget"],
        extra["vocab_size"],
        extra["style"],
        tolerance=extra["tolerance"],
        context=extra["context"],
    )
    share = f"{extra['budget']:,} ± {extra['tolerance']:.2%}"
    if not fits:
        print(f"no shape of {extra['style']} has {share} parameters; a larger --tolerance finds the nearest")
        return 1
    console = Console()
    console.print(
        f"{extra['style']}, {share} parameters, vocabulary {extra['vocab_size']:,}: {len(fits)} shapes"
    )
    table = Table(box=None, padding=(0, 1, 0, 0))  # narrow enough for 80 columns
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for fit in fits[: extra["most"]]:
        table.add_row(*cells(fit, extra["context"]))
    console.print(table)
    console.print(
        f"MFLOP: a token in training, windows of {extra['context']}; ×16: all widths are multiples of 16"
    )
    return 0


def cells(fit: Fit, context: int) -> tuple[str, ...]:
    """A row of the table."""
    config = fit.config
    is_grouped = config.num_kv_heads != config.n_heads
    length = f" {config.max_seq_len}" if config.positions == "learned" else ""
    return (
        str(config.d_model),
        str(config.n_layers),
        f"{config.n_heads}:{config.num_kv_heads}" if is_grouped else f"{config.n_heads}",
        f"{config.d_ffn:,}",
        ("tied" if config.tie_weights else "untied") + (", bias" if config.head_bias else ""),
        f"{config.positions}{length}",
        f"{fit.num_parameters:,}",
        f"{fit.deviation:+.3%}",
        f"{fit.flops_per_token(context) / 1e6:.2f}",
        "yes" if fit.is_aligned else "no",
    )
