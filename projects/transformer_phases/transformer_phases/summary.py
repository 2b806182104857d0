"""The command `config_summary`: what a configuration costs, worked out from its numbers alone."""

from mlmodels.transformer_encoders.config import BertConfig
from mlmodels.transformer_eras.size import cache_values_per_token
from rich.console import Console
from rich.table import Table

from transformer_phases.config import ExperimentConfig
from transformer_phases.size import flops_of, parameters_of


def print_summary(config: ExperimentConfig) -> None:
    """Two tables: parameters by part, and what a training step costs."""
    parts, num_multiplied = parameters_of(config.model)
    total = parts.pop("total")
    table = Table(title=f"{config.name}: parameters", title_justify="left")
    for heading, justify in (("part", "left"), ("parameters", "right"), ("share", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for part, count in parts.items():
        table.add_row(part.replace("_", " "), f"{count:,}", f"{count / total:.1%}")
    table.add_section()
    table.add_row("total", f"{total:,}", "", style="bold")
    table.add_row("not looked up", f"{num_multiplied:,}", "")
    console = Console()
    console.print(table)
    console.print(step_table(config, total))


def step_table(config: ExperimentConfig, num_parameters: int) -> Table:
    """What one optimizer step holds and costs."""
    training, length, model = config.training, config.data.sequence_length, config.model
    sequences = training.batch_size * training.accumulation_steps
    tokens, flops = sequences * length, flops_of(model, length)
    table = Table(title="training", title_justify="left", show_header=False)
    table.add_row("data", f"{config.data.dataset}, windows of {length} tokens")
    table.add_row("vocabulary", f"{model.vocab_size:,} (model), {config.data.tokenizer} (data)")
    table.add_row("a step", f"{sequences:,} sequences, {tokens:,} tokens")
    table.add_row("operations a token", f"{flops / 1e6:,.2f} MFLOP (forward and backward)")
    table.add_row("operations a step", f"{flops * tokens / 1e9:,.1f} GFLOP")
    if not isinstance(model, BertConfig):
        table.add_row("KV cache a token", f"{cache_values_per_token(model):,} values")
    table.add_row("weights, gradients, two moments", f"{num_parameters * 16 / 1e6:,.1f} MB (float32)")
    if training.steps:
        total = training.steps * tokens
        table.add_row("whole run", f"{training.steps:,} steps, {total / 1e6:,.1f} M tokens")
        table.add_row("", f"{flops * total:.2e} FLOP")
    return table
