"""The command `train_classifier`: train without the test texts, judge the best weights on validation, report."""

from mlcore.allocator import keep_large_blocks
from mlcore.cli import Options
from mlcore.evaluator.classification_display import print_classification
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.seeding import seed_everything
from mlcore.text_experiment.wiring import tokenizer_folder
from mlcore.training_run import run_to_resume, train_in_run
from mldata.test_guard import test_split_closed

from rnn_suite.classification import build
from rnn_suite.classification.evaluation import judge
from rnn_suite.config import ClassifierConfig


def train(config: ClassifierConfig, options: Options) -> None:
    """Train a classifier of texts. The test texts stay closed: `evaluate_classifier` opens them."""
    keep_large_blocks()
    seed_everything(config.seed, deterministic=config.deterministic)
    resumed = run_to_resume(options, config.name)
    with test_split_closed():
        prepared = build.prepare(config, resumed)
        model = build.make_model(prepared.config.model, prepared.device, config.seed)
        if options.checkpoint is not None:
            model.load_state_dict(build.read_checkpoint(options.checkpoint, prepared.tokenizer)["model"])
        train_in_run(
            prepared.config,
            options,
            resumed=resumed,
            loaders=build.make_loaders(prepared),
            logger_for=lambda run: build.make_logger(prepared, run),
            trainer_for=lambda run, logger: build.make_trainer(prepared, model, run=run, logger=logger),
            prepare_run=lambda run: keep_tokenizer(run, prepared),
            finish=lambda run, trainer: finish(run, prepared),
        )


def keep_tokenizer(run: RunFolder, prepared: build.Prepared) -> None:
    """A tokenizer that was made of the training texts belongs to the run."""
    if prepared.config.data.tokenizer in build.MADE_OF_THE_TEXTS:
        prepared.tokenizer.save(tokenizer_folder(run))


def finish(run: RunFolder, prepared: build.Prepared) -> None:
    """Judge the best weights on the validation texts, and name the run and its report."""
    print_classification(judge(run, prepared, run.checkpoints / "best.pt", split="validation"), "texts")
    print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")
    print(f"test    hatch run projects/rnn_suite evaluate_classifier --run {run.path.name}")
