"""The command `fit_budget`: shapes inside the band as a table."""

from mlcore.cli import Options
from mlmodels.transformer_eras.budget import Fit, fit_budget
from rich.console import Console
from rich.table import Table

HEADINGS = (
    "d_model",
    "layers",
    "heads",
    "d_ffn",
    "tying",
    "positions",
    "head bias",
    "parameters",
    "deviation",
)


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
    title = f"{extra['style']}, {share} parameters, vocabulary {extra['vocab_size']:,}: {len(fits)} shapes"
    table = Table(title=title, title_justify="left")
    for heading in (*HEADINGS, "not looked up", f"MFLOP/token at {extra['context']}", "all × 16"):
        table.add_column(heading, justify="right")
    for fit in fits[: extra["most"]]:
        table.add_row(*cells(fit, extra["context"]))
    Console().print(table)
    return 0


def cells(fit: Fit, context: int) -> tuple[str, ...]:
    """A row of the table."""
    config = fit.config
    heads = (
        f"{config.n_heads}"
        if config.num_kv_heads == config.n_heads
        else f"{config.n_heads}:{config.num_kv_heads}"
    )
    length = f" {config.max_seq_len}" if config.positions == "learned" else ""
    return (
        str(config.d_model),
        str(config.n_layers),
        heads,
        f"{config.d_ffn:,}",
        "tied" if config.tie_weights else "untied",
        f"{config.positions}{length}",
        "yes" if config.head_bias else "no",
        f"{fit.num_parameters:,}",
        f"{fit.deviation:+.3%}",
        f"{fit.matmul_parameters:,}",
        f"{fit.flops_per_token(context) / 1e6:.2f}",
        "yes" if fit.is_aligned else "no",
    )
