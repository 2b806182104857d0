"""The command `sample` of every project that writes text: prompts of the command line, or of the keyboard."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.evaluator.advanced_evaluator import AdvancedEvaluator
from mlcore.evaluator.text_config import TextEvaluationConfig
from mlcore.evaluator.text_evaluation import write_samples

_CHOICES = ("temperature", "top_k", "top_p", "repetition_penalty")


def answer_prompts(
    evaluator: AdvancedEvaluator, config: TextEvaluationConfig, options: Options, *, seed: int
) -> None:
    """Continue every prompt with the evaluation section's settings, those of `SAMPLE_OPTIONS` before them."""
    extra = options.extra
    chosen = {name: value for name in _CHOICES if (value := extra[name]) is not None}
    length = extra["max_new_tokens"] or config.max_generation_length
    config = config.model_copy(update={**chosen, "max_generation_length": length})
    console = Console(highlight=False)
    for number, prompt in enumerate(prompts(extra["prompt"])):
        asked = config.model_copy(update={"generation_prompts": (prompt,)})
        try:
            # In a conversation the same prompt is worth asking twice: each turn has a seed of its own.
            samples = write_samples(
                evaluator, asked, seed=seed + number, samples_per_prompt=extra["num_samples"]
            )
        except ValueError as error:  # a prompt that this tokenizer cannot take
            raise ConfigError(f"--prompt: {error}") from None
        for written in samples:
            text = Text(written.prompt, style="bold")
            text.append(written.text, style="not bold")
            console.print(text, "\n")


def prompts(given: Iterable[str]) -> Iterator[str]:
    """The prompts of the command line; without any, lines of the keyboard or of a pipe until their end."""
    given = tuple(given)
    if given:
        yield from given
        return
    is_keyboard = sys.stdin.isatty()
    if is_keyboard:
        print("Type a beginning and press Enter; an empty line ends.", file=sys.stderr)
    yield from iter(lambda: _read_line(is_keyboard), "")


def _read_line(is_keyboard: bool) -> str:
    try:
        return input("> " if is_keyboard else "").strip()
    except EOFError:
        return ""
