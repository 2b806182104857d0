"""The command `sample`: prompts from the command line, or from the keyboard one after another."""

from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.evaluator import AdvancedEvaluator
from mlcore.evaluator.prompting import answer_prompts
from mlcore.training_run import checkpoint_to_evaluate

from custom_transformer import build
from custom_transformer.config import ExperimentConfig


def sample(config: ExperimentConfig, options: Options) -> None:
    """Continue every prompt with the checkpoint's model and the evaluation section's settings."""
    checkpoint = checkpoint_to_evaluate(options)
    device = choose_device(config.device)
    tokenizer = build.make_tokenizer(config, run=options.run_folder)
    model = build.model_from(build.read_checkpoint(checkpoint, tokenizer), device)
    evaluator = AdvancedEvaluator(model, tokenizer, device=device)
    answer_prompts(evaluator, config.evaluation, options, seed=config.seed)
