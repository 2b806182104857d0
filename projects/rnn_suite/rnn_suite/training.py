"""The command `train`: prepare, make or reopen a run folder, train, evaluate the best weights, write the report."""

import os

from mlcore.allocator import keep_large_blocks
from mlcore.cli import Options
from mlcore.evaluator.text_display import print_text_evaluation
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.seeding import seed_everything
from mlcore.training_run import run_to_resume, train_in_run

from rnn_suite import build
from rnn_suite.config import ExperimentConfig
from rnn_suite.evaluation import evaluate_run


def train(config: ExperimentConfig, options: Options) -> None:
    """Train a recurrent language model; ends with an evaluation, samples and a report."""
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
    print_text_evaluation(evaluate_run(run, prepared, checkpoint=run.checkpoints / "best.pt"))
    print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")
