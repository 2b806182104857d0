"""The command `evaluate_classifier`: accuracy and its relatives on a split that training never saw."""

from pathlib import Path
from typing import Any

from mlcore.cli import Options
from mlcore.evaluator import fit_temperature, read_evaluation, write_evaluation
from mlcore.evaluator.classification_display import print_classification
from mlcore.evaluator.classification_evaluation import collect_logits, evaluate_classifier
from mlcore.experiments.predictions import write_predictions
from mlcore.report import build_report
from mlcore.runs import RunFolder
from mlcore.training_run import checkpoint_to_evaluate
from mldata.labelled_text import EncodedTexts, LabelledTextBatches

from rnn_suite.classification import build
from rnn_suite.classification.baselines import fit_baselines
from rnn_suite.config import ClassifierConfig


def evaluate(config: ClassifierConfig, options: Options) -> None:
    """Judge a trained classifier: accuracy with its interval, every class, calibration, confusion."""
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    prepared = build.prepare(config, run)
    print_classification(judge(run, prepared, checkpoint, split=options.extra["split"]), "texts")
    if run is not None:
        print(f"\nrun     {run.path}\nreport  {build_report(run.path)}")


def judge(run: RunFolder | None, prepared: build.Prepared, checkpoint: Path, *, split: str) -> dict[str, Any]:
    """Everything that evaluation.json holds; written into the run folder where there is one.

    On the test split the probabilities are also calibrated by a temperature of the validation texts.
    """
    config = prepared.config
    model = build.model_from(build.read_checkpoint(checkpoint, prepared.tokenizer), prepared.device)
    texts = build.load_split(config, split)
    encoded = build.encode(config, texts, prepared.tokenizer)
    temperature = temperature_of(model, prepared) if split == "test" else None
    found = evaluate_classifier(
        model, batches(prepared, encoded), texts.classes, prepared.device, temperature=temperature
    )
    content: dict[str, Any] = {
        "checkpoint": checkpoint.name,
        "split": split,
        "metrics": found.metrics.as_dict(),
        "baselines": fit_baselines(prepared.train, encoded, prepared.tokenizer, texts.classes),
        "texts": {
            "source": texts.source,
            "num_truncated": encoded.num_truncated,
            "unknown_share": encoded.unknown_share,
        },
    }
    if run is None:
        return content
    write_evaluation(run.path, **content)
    write_predictions(
        run.path,
        split=split,
        fingerprint=texts.fingerprint,
        labels=list(texts.labels),
        predictions=found.logits.argmax(dim=1).tolist(),
    )
    return read_evaluation(run.path)


def batches(prepared: build.Prepared, texts: EncodedTexts) -> LabelledTextBatches:
    """All texts in order."""
    return LabelledTextBatches(texts, batch_size=prepared.config.evaluation.batch_size)


def temperature_of(model: build.Model, prepared: build.Prepared) -> float | None:
    """The temperature that calibrates the model on its validation texts."""
    return fit_temperature(*collect_logits(model, batches(prepared, prepared.validation), prepared.device))
