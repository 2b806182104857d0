"""The command `train`: prepare, make or reopen a run folder, train, evaluate the best weights, write the report."""

import os

from mlcore.allocator import keep_large_blocks
from mlcore.cli import Options
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.seeding import seed_everything
from mlcore.training_run import run_to_resume, train_in_run

from custom_transformer import build
from custom_transformer.config import ExperimentConfig
from custom_transformer.evaluation import evaluate_run, print_evaluation


def train(config: ExperimentConfig, options: Options) -> None:
    """Train the hand-written transformer on text; ends with an evaluation, samples and a report."""
    keep_large_blocks()
    seed_everything(config.seed, deterministic=config.deterministic)
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    resumed = run_to_resume(options, config.name)
    prepared = build.prepare(config, resumed)
    model = build.make_model(prepared.config.model, prepared.device, config.seed)
    if options.checkpoint is not None:
        model.load_state_dict(build.read_checkpoint(options.checkpoint, prepared.tokenizer)["model"])
    train_in_run(
        prepared.config,
        options,
        resumed=resumed,
        loaders=build.make_loaders(prepared, rank=rank, world_size=world_size),
        logger_for=lambda run: build.make_logger(prepared, run),
        trainer_for=lambda run, logger: build.make_trainer(prepared, model, run=run, logger=logger),
        prepare_run=lambda run: keep_tokenizer(run, prepared),
        finish=lambda run, trainer: finish(run, prepared),
    )


def keep_tokenizer(run: RunFolder, prepared: build.Prepared) -> None:
    """A tokenizer that was made of the training text belongs to the run."""
    if prepared.config.data.tokenizer == "character":
        prepared.tokenizer.save(run.path / build.RUN_TOKENIZER)


def finish(run: RunFolder, prepared: build.Prepared) -> None:
    """Evaluate the best weights, say what came out, and name the run and its report."""
    print_evaluation(evaluate_run(run, prepared, checkpoint=run.checkpoints / "best.pt"))
    report = build_report(run.path)
    print(f"\nrun     {run.path}\nreport  {report}")
