"""The command `evaluate`: loss and its relatives, baselines on the same tokens, samples, and two judges of them."""

from pathlib import Path
from typing import Any

from mlcore.allocator import keep_large_blocks
from mlcore.cli import Options
from mlcore.evaluator import ngram_baselines, read_evaluation, unigram_entropy, write_evaluation
from mlcore.evaluator.text_evaluation import write_samples
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.training_run import checkpoint_to_evaluate

from custom_transformer import build
from custom_transformer.config import ExperimentConfig

BASELINE_TOKENS = 5_000_000  # of the training text; counting more takes minutes and changes the third digit
BASELINE_ORDERS = (1, 2, 3)


def evaluate(config: ExperimentConfig, options: Options) -> None:
    """Measure a trained model on the validation text; with --generate also write and judge samples."""
    keep_large_blocks()
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    prepared = build.prepare(config, run)
    content = evaluate_run(
        run,
        prepared,
        checkpoint=checkpoint,
        max_batches=options.extra["max_batches"],
        with_samples=options.extra["generate"],
    )
    print_evaluation(content)
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
    evaluator = build.make_evaluator(prepared, model)
    _, val_loader = build.make_loaders(prepared)
    metrics = evaluator.evaluate(val_loader, max_batches=max_batches or config.evaluation.max_batches)
    content: dict[str, Any] = {"checkpoint": checkpoint.name, "split": "validation", "metrics": metrics}
    content |= baselines(prepared, metrics.num_tokens)
    if with_samples:
        samples = write_samples(
            evaluator, config.evaluation, seed=config.seed, samples_per_prompt=config.evaluation.num_samples
        )
        content |= {"samples": samples, "heuristic": evaluator.heuristics(samples)}
        if config.evaluation.evaluate_coherence:
            content["coherence"] = evaluator.score(samples)
    elif run is not None and run.evaluation_path.is_file():
        # What an earlier evaluation wrote and judged stays beside the new figures.
        earlier = read_evaluation(run.path)
        content |= {
            part: earlier[part] for part in ("samples", "heuristic", "coherence") if earlier.get(part)
        }
    if run is None:
        return {
            key: value.as_dict() if hasattr(value, "as_dict") else value for key, value in content.items()
        }
    write_evaluation(run.path, **content)
    return read_evaluation(run.path)


def baselines(prepared: build.Prepared, num_tokens: int) -> dict[str, Any]:
    """What guessing, frequencies and n-grams of the training text reach on the same tokens, and their entropy."""
    tokenizer = prepared.tokenizer
    train_tokens = prepared.train_tokens.tokens[:BASELINE_TOKENS]
    # The windows were read in order, and the first token is no target.
    val_tokens = prepared.val_tokens.tokens[: num_tokens + 1]
    found = ngram_baselines(
        train_tokens,
        val_tokens,
        vocab_size=tokenizer.vocab_size,
        orders=BASELINE_ORDERS,
        byte_lengths=tokenizer.byte_lengths(),
    )
    counts = build.count_tokens(val_tokens, tokenizer.vocab_size)
    return {
        "baselines": {name: baseline.as_dict() for name, baseline in found.items()},
        "baseline_tokens": len(train_tokens),
        "unigram_entropy": unigram_entropy(counts),
    }


def print_evaluation(content: dict[str, Any]) -> None:
    """The figures as a table, then the samples."""
    from rich.console import Console

    from custom_transformer.presentation import figures_table, sample_panels

    console = Console()
    console.print(figures_table(content))
    for panel in sample_panels(content):
        console.print(panel)
