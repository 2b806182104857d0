"""The command `benchmark`: the cases of a command line, measured and written by the core."""

from typing import Any

from mlcore.benchmarking import Story, measure_cases, new_folder
from mlcore.benchmarking.choosing import chosen_dtypes, settings_of
from mlcore.cli import Options
from mlcore.device import choose_device
from rich.console import Console

from custom_transformer.benchmarking.plan import (
    Case,
    Request,
    choose_entries,
    generation_cases,
    training_cases,
    with_tuned_peers,
)
from custom_transformer.config import ExperimentConfig

TITLES = {
    False: "A training step: hand-written gradients beside autograd",
    True: "Generation: our model beside its twin and GPT-2",
}
LEADS = {
    False: "A step is forward, backward, clipping to the global norm, AdamW, and reading the loss. All variants "
    "begin with the same weights and see the same batch.",
    True: "Every prompt is continued by the likeliest tokens. All variants begin with the same weights and prompts.",
}


def run_benchmark(config: ExperimentConfig, options: Options) -> int:
    """Measure and write; the exit code is 1 where a variant failed."""
    extra, console = options.extra, Console(highlight=False)
    cases, notes = plan(config, extra)
    for note in notes:
        console.print(note)
    generates = extra["generate"]
    what = "generation" if generates else "training"
    story = Story(what, TITLES[generates], LEADS[generates], extra["seed"])
    return measure_cases(cases, extra["output"] or new_folder(options.runs_dir), story, console)


def plan(config: ExperimentConfig, extra: Any) -> tuple[list[Case], list[str]]:
    """The cases of a command line, and what must be said about it."""
    device = choose_device(extra["device"] or config.device)
    entries, notes = choose_entries(extra["variants"], generates=extra["generate"])
    if extra["tuned_allocator"]:
        entries = with_tuned_peers(entries)
    request = Request(
        config=config,
        entries=entries,
        settings=settings_of(extra),
        device=str(device),
        dtypes=chosen_dtypes(extra["dtypes"], device),
        vocab_sizes=tuple(dict.fromkeys(extra["vocab_sizes"])),
        context=extra["context"] or config.data.max_length,
        seed=extra["seed"],
        batch_size=extra["batch_size"],
    )
    if extra["generate"]:
        lengths = (extra["prompt_length"], extra["new_tokens"])
        return generation_cases(request, tuple(dict.fromkeys(extra["prompt_counts"])), *lengths), notes
    return training_cases(request), notes
