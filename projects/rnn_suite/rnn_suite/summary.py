"""The command `config_summary`: what a configuration costs, worked out from its numbers alone."""

from mldata.tokenizers import load_tokenizer
from mlmodels.recurrent.size import count_parameters, flops_per_token
from rich.console import Console
from rich.table import Table

from rnn_suite.config import ExperimentConfig

GPT2_VOCABULARY = 50_257


def vocabulary_of(config: ExperimentConfig) -> tuple[int, str]:
    """The number of tokens, and how it is known."""
    if "vocab_size" in config.model.model_fields_set:
        return config.model.vocab_size, "model.vocab_size"
    if config.data.tokenizer == "gpt2":
        return GPT2_VOCABULARY, "GPT-2"
    if config.data.tokenizer == "character":
        words = "that of tinyshakespeare: a character vocabulary is known with its text"
        return config.model.vocab_size, words
    return load_tokenizer(config.data.tokenizer).vocab_size, config.data.tokenizer


def print_summary(config: ExperimentConfig) -> None:
    """Two tables: parameters by part, and what a training step costs."""
    vocab_size, source = vocabulary_of(config)
    model = config.model.model_copy(update={"vocab_size": vocab_size})
    parts = count_parameters(model)
    total = parts.pop("total")
    table = Table(title=f"{config.name}: parameters", title_justify="left")
    for heading, justify in (("part", "left"), ("parameters", "right"), ("share", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for part, count in parts.items():
        table.add_row(part.replace("_", " "), f"{count:,}", f"{count / total:.1%}")
    table.add_section()
    table.add_row("total", f"{total:,}", "", style="bold")
    console = Console()
    console.print(table)
    console.print(step_table(config, total, flops_per_token(model), f"{vocab_size:,} ({source})"))


def step_table(config: ExperimentConfig, num_parameters: int, flops: float, vocabulary: str) -> Table:
    """What one optimizer step holds and costs."""
    training, length = config.training, config.data.sequence_length
    sequences = training.batch_size * training.accumulation_steps
    tokens = sequences * length
    table = Table(title="training", title_justify="left", show_header=False)
    table.add_row("data", f"{config.data.dataset}, windows of {length} tokens")
    table.add_row("vocabulary", vocabulary)
    table.add_row("a step", f"{sequences:,} sequences, {tokens:,} tokens")
    table.add_row("operations a token", f"{flops / 1e6:,.1f} MFLOP (forward and backward)")
    table.add_row("operations a step", f"{flops * tokens / 1e9:,.1f} GFLOP")
    table.add_row("weights, gradients, two moments", f"{num_parameters * 16 / 1e6:,.1f} MB (float32)")
    if training.steps:
        table.add_row("whole run", f"{training.steps:,} steps, {training.steps * tokens / 1e6:,.1f} M tokens")
    return table
