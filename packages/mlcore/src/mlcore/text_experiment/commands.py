"""The commands `train`, `evaluate` and `sample` of a project whose models write text."""

from pathlib import Path
from typing import Any

from mlcore.allocator import keep_large_blocks
from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.evaluator import AdvancedEvaluator
from mlcore.evaluator.prompting import answer_prompts
from mlcore.evaluator.text_display import print_text_evaluation
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.seeding import seed_everything
from mlcore.text_experiment.checkpoints import read_text_checkpoint
from mlcore.text_experiment.readings import can_write, require_writer
from mlcore.text_experiment.wiring import PreparedExperiment, TextWiring, tokenizer_folder
from mlcore.trainer.distributed import rank_and_world_size
from mlcore.training_run import checkpoint_to_evaluate, run_to_resume, train_in_run


def train(config: Any, options: Options, wiring: TextWiring) -> None:
    """Prepare, make or reopen a run folder, train, evaluate the best weights, write the report."""
    keep_large_blocks()
    seed_everything(config.seed, deterministic=config.deterministic)
    rank, world_size = rank_and_world_size()
    resumed = run_to_resume(options, config.name)
    prepared: PreparedExperiment = wiring.prepare(config, resumed)
    model = wiring.make_model(prepared.config.model, prepared.device, config.seed)
    if options.checkpoint is not None:
        model.load_state_dict(read_text_checkpoint(options.checkpoint, prepared.text.tokenizer)["model"])
    train_in_run(
        prepared.config,
        options,
        resumed=resumed,
        loaders=wiring.make_loaders(prepared, rank=rank, world_size=world_size),
        logger_for=lambda run: wiring.make_logger(prepared, run),
        trainer_for=lambda run, logger: wiring.make_trainer(prepared, model, run=run, logger=logger),
        prepare_run=lambda run: prepared.text.keep_tokenizer(tokenizer_folder(run)),
        finish=lambda run, trainer: _finish(run, prepared, wiring, with_samples=can_write(model)),
    )


def evaluate(config: Any, options: Options, wiring: TextWiring) -> None:
    """Measure a trained model on the validation text; with --generate also write and judge samples."""
    keep_large_blocks()
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    content = evaluate_run(
        run,
        wiring.prepare(config, run),
        wiring,
        checkpoint=checkpoint,
        max_batches=options.extra["max_batches"],
        with_samples=options.extra["generate"],
    )
    print_text_evaluation(content)
    if run is not None:
        print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")


def evaluate_run(
    run: RunFolder | None,
    prepared: PreparedExperiment,
    wiring: TextWiring,
    *,
    checkpoint: Path,
    max_batches: int | None = None,
    with_samples: bool = True,
) -> dict[str, Any]:
    """Everything that evaluation.json holds; written into the run folder where there is one."""
    model = wiring.model_from(read_text_checkpoint(checkpoint, prepared.text.tokenizer), prepared.device)
    return wiring.validation_reading(prepared, model).evaluate(
        prepared,
        checkpoint=checkpoint.name,
        run=None if run is None else run.path,
        max_batches=max_batches,
        with_samples=with_samples,
    )


def sample(config: Any, options: Options, wiring: TextWiring) -> None:
    """Continue every prompt with the checkpoint's model and the evaluation section's settings."""
    checkpoint, device = checkpoint_to_evaluate(options), choose_device(config.device)
    tokenizer = wiring.make_tokenizer(config, run=options.run_folder)
    model = wiring.model_from(read_text_checkpoint(checkpoint, tokenizer), device)
    require_writer(model)
    answer_prompts(
        AdvancedEvaluator(model, tokenizer, device=device), config.evaluation, options, seed=config.seed
    )


def _finish(run: RunFolder, prepared: PreparedExperiment, wiring: TextWiring, *, with_samples: bool) -> None:
    """Evaluate the best weights, say what came out, and name the run and its report."""
    best = run.checkpoints / "best.pt"
    content = evaluate_run(run, prepared, wiring, checkpoint=best, with_samples=with_samples)
    print_text_evaluation(content)
    print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")
