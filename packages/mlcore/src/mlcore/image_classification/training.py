"""What `train` does: check, train without the test images, judge the best weights on validation, report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from mlcore.allocator import keep_large_blocks
from mlcore.checkpoint import CheckpointManager
from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.evaluator.classification_display import print_classification
from mlcore.image_classification.checkpoints import checkpoint_extras
from mlcore.image_classification.evaluation import judge
from mlcore.image_classification.sanity import check_before_training
from mlcore.image_classification.wiring import Prepared, Wiring
from mlcore.logger import TrainingLogger
from mlcore.pruning.choosing import choose_masks
from mlcore.pruning.config import PruningConfig
from mlcore.pruning.masks import Masks, apply_masks, keep_masked, masks_in
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.seeding import seed_everything
from mlcore.trainer import BaseTrainer, weights_for_inference
from mlcore.training_run import run_to_resume, train_in_run


def with_runs_dir(config: Any, options: Options) -> Options:
    """`logging.checkpoint_dir` says where run folders go unless --runs-dir does."""
    default = options.project / "runs"
    if options.runs_dir != default:
        return options
    return replace(options, runs_dir=options.project / config.logging.checkpoint_dir)


def train_classifier(config: Any, options: Options, wiring: Wiring) -> RunFolder | None:
    """One training run from preparation to report."""
    keep_large_blocks()
    options = with_runs_dir(config, options)
    seed_everything(config.seed, deterministic=config.deterministic)
    resumed = run_to_resume(options, config.name)
    prepared = wiring.prepare(config)
    model = wiring.make_model(prepared, config.seed)
    if options.checkpoint is not None:
        trained = wiring.read_classifier(options.checkpoint, prepared.device)
        getattr(model, "main_classifier", model).load_state_dict(trained.model.state_dict())
    masks = masks_of(model, config.pruning, options, resumed)
    if config.preflight and not options.extra.get("no_preflight") and resumed is None:
        if getattr(prepared, "heads", {}):
            print("pre-flight: skipped, its checks know one task")
        else:
            check_before_training(prepared, wiring)

    def trainer_for(run: RunFolder | None, logger: TrainingLogger) -> BaseTrainer:
        trainer = wiring.make_trainer(prepared, model, run=run, logger=logger)
        keep_masked(trainer, masks)
        return trainer

    return train_in_run(
        prepared.config,
        options,
        resumed=resumed,
        loaders=wiring.make_loaders(prepared),
        logger_for=lambda run: wiring.make_logger(prepared, run),
        trainer_for=trainer_for,
        finish=lambda run, trainer: finish(run, prepared, trainer, wiring, options.project.name),
    )


def masks_of(
    model: nn.Module, pruning: PruningConfig | None, options: Options, resumed: RunFolder | None
) -> Masks:
    """What of the weights is out from the start: those of the run that goes on, or the ones chosen now.

    Raises:
        ConfigError: weights that nobody has trained are to be pruned.
    """
    if pruning is None:
        return {}
    if resumed is not None:
        return masks_in(CheckpointManager(resumed.checkpoints).load("last").state)
    if options.checkpoint is None:
        raise ConfigError("pruning takes weights out of a trained model: name its checkpoint with --weights")
    masks = choose_masks(model, pruning)
    apply_masks(model, masks)
    return masks


def finish(run: RunFolder, prepared: Prepared, trainer: BaseTrainer, wiring: Wiring, project: str) -> None:
    """Judge the best weights on the validation images where there are any, and name the run and its report."""
    best: Path | None = run.checkpoints / "best.pt"
    if prepared.config.logging.save_checkpoints:
        classifier = wiring.read_classifier(run.checkpoints / "best.pt", prepared.device)
    else:
        best = None
        state = {**checkpoint_extras(prepared), "model": trainer.model.state_dict()}
        classifier = wiring.classifier_from(state, weights_for_inference(state), prepared.device)
    images = prepared.validation
    if images is not None:
        content = judge(
            run,
            classifier,
            images,
            evaluation=prepared.config.evaluation,
            validation=images,
            checkpoint=best,
            baselines=wiring.baselines(prepared.train, images),
        )
        print_classification(content, "images")
    print(f"\nended   {reason_of(run)}")
    print(f"run     {run.path}\nreport  {build_report(run.path)}")
    print(f"test    hatch run projects/{project} evaluate --run {run.path.name}")


def reason_of(run: RunFolder) -> str:
    """Why the training ended, in the trainer's words, and which weights were kept for that."""
    summary = json.loads(run.metrics_path.read_text(encoding="utf-8"))
    best = summary.get("best") or {}
    return (
        f"{summary.get('reason')}; best at step {best['step']:,}"
        if "step" in best
        else str(summary.get("reason"))
    )
