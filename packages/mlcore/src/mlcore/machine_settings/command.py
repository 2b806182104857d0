"""The command `optimize_settings` of every project: it asks the machine, or remembers what the machine has said."""

from typing import Any

from pydantic import BaseModel

from mlcore.cli import Options
from mlcore.cores import num_usable_cores
from mlcore.logger.number_format import format_bytes, format_count
from mlcore.machine_settings.answer import Answer, Findings
from mlcore.machine_settings.auto_batch_size import target_of
from mlcore.machine_settings.choosing import find_settings
from mlcore.machine_settings.measuring import ProcessMeter
from mlcore.machine_settings.store import Question, keep_settings, stored_settings

# What the speed of an update does not depend on: the same answer serves all of them.
_IRRELEVANT = {"name", "seed", "preflight", "logging"}
_IRRELEVANT_TO_TRAINING = {
    "batch_size",
    "batch_size_schedule",
    "epochs",
    "steps",
    "max_minutes",
    "learning_rate",
    "schedule",
    "log_every",
    "eval_every",
    "eval_batches",
    "save_every",
    "keep_last",
    "sample_every",
}


def optimize_settings(
    config: Any, options: Options, *, target: str | None = None, unit: str = "items"
) -> int:
    """Find and keep the best batch size and number of threads for `config` on this machine.

    Args:
        config: the project's configuration, with a `device`.
        options: `SETTINGS_OPTIONS` among its extras.
        target: ``package.module:function``; None: the project's ``tuning:training_step``. It is called in a child with
            ``config=`` (the configuration's plain content) and ``batch_size=``, and returns a `Workload`: see
            `trainer_workload`.
        unit: what is counted.

    Raises:
        SettingsError: no batch could be trained at all.
    """
    extra = options.extra
    target = target or target_of(options.project)
    question = question_of(config, target)
    known = None if extra["again"] else stored_settings(question)
    if known is not None:
        threads = "" if known.threads is None else f", {known.threads} threads"
        print(f"known since {known.measured}: batch size {known.batch_size}{threads}; --again measures anew")
        print(f"\nsettings {question.path}")
        return 0
    memory = extra["memory_gib"]
    meter = ProcessMeter(
        target,
        question.arguments,
        seconds=extra["seconds"],
        limit_bytes=None if memory is None else int(memory * 2**30),
    )
    findings = find_settings(
        meter,
        first_batch_size=min(extra["first_batch_size"], extra["max_batch_size"]),
        max_batch_size=extra["max_batch_size"],
        threads=thread_numbers(num_usable_cores()),
        tell=lambda answer: print(in_words(answer, unit), flush=True),
    )
    print_choice(findings, unit)
    print(f"\nsettings {keep_settings(findings, question)}")
    return 0


def question_of(config: Any, target: str) -> Question:
    """The question that `optimize_settings` answers for a configuration; for looking the answer up."""
    from mlcore.device import choose_device

    assert isinstance(config, BaseModel)
    # Only what was set: a default that stands in the file may contradict what the data say.
    content = config.model_dump(mode="json", exclude_unset=True, exclude=_IRRELEVANT)
    training = content.pop("training", {})
    relevant = {key: value for key, value in training.items() if key not in _IRRELEVANT_TO_TRAINING}
    if relevant:
        content["training"] = relevant
    return Question(target, {"config": content}, str(choose_device(getattr(config, "device", "auto"))))


def thread_numbers(cores: int) -> list[int]:
    """1, 2, 4, … and all cores."""
    powers = [2**power for power in range(cores.bit_length()) if 2**power < cores]
    return [*powers, cores]


def in_words(answer: Answer, unit: str) -> str:
    """One line about an answer."""
    if answer.verdict != "ok":
        return f"{answer.candidate!s:<32} {answer.verdict}: {answer.reason}"
    peak = "" if answer.peak_memory_bytes is None else f", {format_bytes(answer.peak_memory_bytes)}"
    return f"{answer.candidate!s:<32} {format_count(answer.rate)} {unit}/s (±{answer.noise:.0%}){peak}"


def print_choice(findings: Findings, unit: str) -> None:
    """What was chosen, and how to use it."""
    best = findings.best
    threads = best.candidate.threads
    print(f"\nbest: {best.candidate} with {format_count(best.rate)} {unit}/s")
    prefix = "" if threads is None else f"OMP_NUM_THREADS={threads} "
    print(f"use it with: {prefix}train --batch-size {best.candidate.batch_size}, or --batch-size auto")
