"""The command `train`: prepare, make or reopen a run folder, train, evaluate the best weights, write the report."""

import json
import os

from mlcore.allocator import keep_large_blocks
from mlcore.checkpoint import CheckpointManager
from mlcore.cli import Options
from mlcore.config import dump_config
from mlcore.environment import describe_environment
from mlcore.report import build_report
from mlcore.runs import RunFolder, create_run, newest_run
from mlcore.seeding import seed_everything
from mlcore.trainer.distributed import disconnect
from mldata.windows import TokenWindows
from mlmodels.custom_transformer.model import CustomTransformer

from custom_transformer import build
from custom_transformer.config import ExperimentConfig
from custom_transformer.evaluation import evaluate_run, print_evaluation


def train(config: ExperimentConfig, options: Options) -> None:
    """Train the hand-written transformer on text; ends with an evaluation, samples and a report."""
    keep_large_blocks()
    seed_everything(config.seed, deterministic=config.deterministic)
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    resumed = run_to_resume(config, options)
    prepared = build.prepare(config, resumed)
    loaders = build.make_loaders(prepared, rank=rank, world_size=world_size)
    model = build.make_model(prepared.config.model, prepared.device, config.seed)
    if options.checkpoint is not None:
        model.load_state_dict(build.read_checkpoint(options.checkpoint, prepared.tokenizer)["model"])
    if rank > 0:
        train_in(None, resumed, prepared, model, loaders)
        disconnect()
        return
    run = resumed or create_run(
        options.runs_dir,
        config.name,
        files={
            "config.yaml": dump_config(prepared.config),
            "environment.json": json.dumps(describe_environment(options.project), indent=1) + "\n",
        },
    )
    with run.lock():
        if config.data.tokenizer == "character":
            prepared.tokenizer.save(run.path / build.RUN_TOKENIZER)
        train_in(run, resumed, prepared, model, loaders)
        disconnect()
        finish(run, prepared)


def run_to_resume(config: ExperimentConfig, options: Options) -> RunFolder | None:
    """The run that `--resume` names; `auto` is the newest one of this name that did not come to its end, if any."""
    if options.resume == "auto":
        newest = newest_run(options.runs_dir, config.name, complete=False)
        return None if newest is None or newest.is_complete else newest
    return options.run_folder if options.resume is not None else None


def train_in(
    run: RunFolder | None,
    resumed: RunFolder | None,
    prepared: build.Prepared,
    model: CustomTransformer,
    loaders: tuple[TokenWindows, TokenWindows],
) -> None:
    """The training proper, from the beginning or from the last checkpoint of `resumed`."""
    with build.make_logger(prepared, run) as logger:
        trainer = build.make_trainer(prepared, model, run=run, logger=logger)
        if resumed is not None:
            trainer.resume(CheckpointManager(resumed.checkpoints).load("last").state)
        trainer.train(*loaders)


def finish(run: RunFolder, prepared: build.Prepared) -> None:
    """Evaluate the best weights, say what came out, and name the run and its report."""
    print_evaluation(evaluate_run(run, prepared, checkpoint=run.checkpoints / "best.pt"))
    report = build_report(run.path)
    print(f"\nrun     {run.path}\nreport  {report}")
