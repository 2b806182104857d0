"""The command `evaluate`: loss and its relatives, baselines on the same tokens, samples, and two judges of them."""

from pathlib import Path
from typing import Any

from mlcore.allocator import keep_large_blocks
from mlcore.cli import Options
from mlcore.evaluator.text_display import print_text_evaluation
from mlcore.evaluator.text_evaluation import evaluate_text
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.training_run import checkpoint_to_evaluate

from rnn_suite import build
from rnn_suite.config import ExperimentConfig


def evaluate(config: ExperimentConfig, options: Options) -> None:
    """Measure a trained model on the validation text; with --generate also write and judge samples."""
    keep_large_blocks()
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    content = evaluate_run(
        run,
        build.prepare(config, run),
        checkpoint=checkpoint,
        max_batches=options.extra["max_batches"],
        with_samples=options.extra["generate"],
    )
    print_text_evaluation(content)
    if run is not None:
        print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")


def evaluate_run(
    run: RunFolder | None,
    prepared: build.Prepared,
    *,
    checkpoint: Path,
    max_batches: int | None = None,
    with_samples: bool = True,
) -> dict[str, Any]:
    """Everything that evaluation.json holds; written into the run folder where there is one."""
    config = prepared.config
    model = build.model_from(build.read_checkpoint(checkpoint, prepared.tokenizer), prepared.device)
    return evaluate_text(
        build.make_evaluator(prepared, model),
        build.evaluation_data(prepared),
        config.evaluation,
        seed=config.seed,
        checkpoint=checkpoint.name,
        run=None if run is None else run.path,
        max_batches=max_batches,
        with_samples=with_samples,
    )
