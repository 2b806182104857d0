"""The command `find_learning_rate` of every project: the range test, its picture, its numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.cli import Options
from mlcore.logger.plain_values import write_json_atomic
from mlcore.search.range_curve import RangeTest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mlcore.trainer.base import BaseTrainer
    from mlcore.trainer.protocols import Loader

SCHEMA = 1
_BLUE, _ORANGE, _GREEN, _GREY = "#2b6cb0", "#c2570c", "#23803f", "0.75"


def find_learning_rate(config: Any, options: Options, make: Callable[[], tuple[BaseTrainer, Loader]]) -> int:
    """Run the range test as the command line says (`RANGE_TEST_OPTIONS`); 1 if the loss never fell.

    Args:
        config: the project's configuration, with a `name`.
        options: `--lowest`, `--highest`, `--updates`, `--output` among its extras.
        make: the trainer with fresh weights, and the loader of its training batches.
    """
    from mlcore.search.growing_rate import range_test

    extra = options.extra
    trainer, loader = make()
    test = range_test(
        trainer, loader, lowest=extra["lowest"], highest=extra["highest"], num_updates=extra["updates"]
    )
    folder = extra["output"] or options.runs_dir / "learning_rate" / config.name
    write_range_test(test, folder, config=config)
    print(in_words(test, trainer.config.learning_rate))
    print(f"\ncurve   {folder / 'learning_rate.png'}\nnumbers {folder / 'learning_rate.json'}")
    return 0 if test.learns else 1


def in_words(test: RangeTest, configured: float | None = None) -> str:
    """What was found, line by line.

    Args:
        configured: the rate of the configuration.
    """
    end = f"{test.ending} at {test.rates[-1]:.2e}" if test.ending != "finished" else "no explosion"
    lines = [f"{len(test.rates)} updates from {test.rates[0]:.1e} to {test.rates[-1]:.1e}, {end}"]
    if test.steepest is None or test.largest_safe is None:
        lines.append(
            "the loss never fell: begin lower with --lowest, or look for what is wrong with `sanity`"
        )
        return "\n".join(lines)
    lines.append(f"loss falls fastest at     {test.steepest:.2e}   a good constant training.learning_rate")
    lines.append(
        f"loss rises from there on  {test.largest_safe:.2e}   no peak of a schedule should be above it"
    )
    if not test.found_the_limit:
        lines.append("the loss still fell at the highest rate: look further with --highest")
    if configured is not None and configured > test.largest_safe:
        lines.append(
            f"the configured rate, {configured:.2e}, lies above that: expect divergence without warm-up"
        )
    return "\n".join(lines)


def write_range_test(test: RangeTest, folder: Path, *, config: Any) -> None:
    """learning_rate.json and learning_rate.png."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"schema": SCHEMA, **test.as_dict(), "config": config}
    write_json_atomic(folder / "learning_rate.json", content)
    draw(test).savefig(folder / "learning_rate.png", dpi=144, metadata={"Software": None})


def draw(test: RangeTest) -> Figure:
    """Loss over rate, with the two rates that are read off it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(test.rates, test.losses, color=_GREY, linewidth=1, label="loss after the update")
    axes.plot(test.rates, test.smoothed, color=_BLUE, linewidth=2, label="smoothed")
    for rate, colour, words in (
        (test.steepest, _GREEN, "falls fastest"),
        (test.largest_safe, _ORANGE, "rises from here on"),
    ):
        if rate is not None:
            axes.axvline(rate, color=colour, linestyle="--", linewidth=1.2, label=f"{words}: {rate:.1e}")
    low, high = float(test.smoothed.min()), float(test.smoothed.max())
    margin = 0.15 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.grid(color="0.93")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure
