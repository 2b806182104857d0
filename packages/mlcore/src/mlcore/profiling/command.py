"""The command `profile` of every project: a page, a trace for the browser's own viewer, and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.logger.number_format import format_bytes, format_count, format_number
from mlcore.logger.plain_values import write_json_atomic
from mlcore.profiling.page import write_page
from mlcore.profiling.profile import StepProfile, profile_training
from mlcore.profiling.tables import layers_table, operators_table, parts_table

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer
    from mlcore.trainer.protocols import Loader

NUM_IN_TERMINAL = 12


def profile(
    config: Any, options: Options, make: Callable[[], tuple[BaseTrainer, Loader]], *, unit: str = "items"
) -> None:
    """Profile a training step as the command line says (`PROFILE_OPTIONS`).

    Args:
        config: the project's configuration, with a `name`.
        make: the trainer with fresh weights, and the loader of its training batches.
        unit: what is counted.

    Raises:
        ConfigError: the folder cannot be written.
    """
    extra = options.extra
    folder = extra["output"] or options.runs_dir / "profiles" / config.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made: {error.strerror or error}") from None
    trainer, loader = make()
    found = profile_training(
        trainer,
        loader,
        name=config.name,
        warmup=extra["warmup"],
        steps=extra["steps"],
        traced=extra["traced"],
        trace=folder / "trace.json",
    )
    write_json_atomic(folder / "profile.json", found.as_dict())
    page = write_page(folder / "profile.html", found, unit=unit)
    for table in (parts_table(found), layers_table(found), operators_table(found, NUM_IN_TERMINAL)):
        table.print()
        print()
    print(in_words(found, unit))
    print(
        f"\npage    {page}\ntrace   {folder / 'trace.json'}   (open in chrome://tracing or ui.perfetto.dev)"
    )


def in_words(found: StepProfile, unit: str) -> str:
    """The few figures that matter."""
    flops = f", {format_count(found.flops / found.mean_step_s)} FLOP/s" if found.flops else ""
    tensors = (
        ""
        if found.peak_tensor_bytes is None
        else f", tensors of a step {format_bytes(found.peak_tensor_bytes)}"
    )
    return (
        f"{1e3 * found.mean_step_s:,.1f} ms a step of {found.items_per_step} {unit}: "
        f"{format_number(found.items_per_s)} {unit}/s{flops}\n"
        f"peak memory {format_bytes(found.peak_bytes)}{tensors}\n"
        f"a traced step took {found.traced_s / found.mean_step_s:.2f} times as long"
    )
