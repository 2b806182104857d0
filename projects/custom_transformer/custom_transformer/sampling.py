"""The command `sample`: prompts from the command line, or from the keyboard one after another."""

import sys
from collections.abc import Iterable, Iterator

from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.errors import ConfigError
from mlcore.evaluator import AdvancedEvaluator
from mlcore.training_run import checkpoint_to_evaluate
from rich.console import Console
from rich.text import Text

from custom_transformer import build
from custom_transformer.config import ExperimentConfig

CHOICES = ("temperature", "top_k", "top_p", "repetition_penalty")


def sample(config: ExperimentConfig, options: Options) -> None:
    """Continue every prompt with the checkpoint's model and the evaluation section's settings."""
    checkpoint = checkpoint_to_evaluate(options)
    device = choose_device(config.device)
    tokenizer = build.make_tokenizer(config, run=options.run_folder)
    model = build.model_from(build.read_checkpoint(checkpoint, tokenizer), device)
    evaluator = AdvancedEvaluator(model, tokenizer, device=device)
    chosen = {name: value for name in CHOICES if (value := options.extra[name]) is not None}
    length = options.extra["max_new_tokens"] or config.evaluation.max_generation_length
    evaluation = config.evaluation.model_copy(update={**chosen, "max_generation_length": length})
    console = Console(highlight=False)
    for number, prompt in enumerate(prompts(options.extra["prompt"])):
        asked = evaluation.model_copy(update={"generation_prompts": (prompt,)})
        # In a conversation the same prompt is worth asking twice: each turn has a seed of its own.
        turn = config.model_copy(update={"evaluation": asked, "seed": config.seed + number})
        try:
            samples = build.generate(evaluator, turn, samples_per_prompt=options.extra["num_samples"])
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
