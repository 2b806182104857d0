"""The command `train`: check, train without the test images, judge the best weights on validation, report."""

from dataclasses import replace
from pathlib import Path

from mlcore.allocator import keep_large_blocks
from mlcore.cli import Options
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.seeding import seed_everything
from mlcore.trainer import BaseTrainer, weights_for_inference
from mlcore.training_run import run_to_resume, train_in_run
from mldata.images.test_guard import test_split_closed

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig
from mnist_classifier.evaluation import judge, print_evaluation
from mnist_classifier.sanity import check_before_training


def train(config: ExperimentConfig, options: Options) -> None:
    """Train a classifier. The test images stay closed: `evaluate` opens them."""
    if options.extra["cross_validate"]:
        from mnist_classifier.cross_validation import cross_validate

        cross_validate(config, options, options.extra["cross_validate"], options.extra["workers"])
        return
    with test_split_closed():
        train_one(config, with_runs_dir(config, options))


def with_runs_dir(config: ExperimentConfig, options: Options) -> Options:
    """`logging.checkpoint_dir` says where run folders go unless --runs-dir does."""
    default = options.project / "runs"
    if options.runs_dir != default:
        return options
    return replace(options, runs_dir=options.project / config.logging.checkpoint_dir)


def train_one(config: ExperimentConfig, options: Options) -> RunFolder | None:
    """One training run from preparation to report."""
    keep_large_blocks()
    seed_everything(config.seed, deterministic=config.deterministic)
    resumed = run_to_resume(options, config.name)
    prepared = build.prepare(config)
    model = build.make_model(prepared.config.model, prepared.device, config.seed)
    if options.checkpoint is not None:
        trained = build.read_classifier(options.checkpoint, prepared.device)
        model.load_state_dict(trained.model.state_dict())
    if config.preflight and not options.extra["no_preflight"] and resumed is None:
        check_before_training(prepared)
    return train_in_run(
        prepared.config,
        options,
        resumed=resumed,
        loaders=build.make_loaders(prepared),
        logger_for=lambda run: build.make_logger(prepared, run),
        trainer_for=lambda run, logger: build.make_trainer(prepared, model, run=run, logger=logger),
        finish=lambda run, trainer: finish(run, prepared, trainer),
    )


def finish(run: RunFolder, prepared: build.Prepared, trainer: BaseTrainer) -> None:
    """Judge the best weights on the validation images where there are any, and name the run and its report."""
    best: Path | None = run.checkpoints / "best.pt"
    if prepared.config.logging.save_checkpoints:
        classifier = build.read_classifier(run.checkpoints / "best.pt", prepared.device)
    else:
        best = None
        state = {**build.extra_state(prepared), "model": trainer.model.state_dict()}
        classifier = build.classifier_from(state, weights_for_inference(state), prepared.device)
    if prepared.validation is not None:
        images = prepared.validation
        print_evaluation(judge(run, classifier, images, config=prepared.config, checkpoint=best))
    print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")
    print(f"test    hatch run projects/mnist_classifier evaluate --run {run.path.name}")
