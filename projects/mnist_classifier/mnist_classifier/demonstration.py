"""The command `demo`: a trained model behind the drawing page."""

from collections.abc import Sequence

import torch
from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.evaluator import read_evaluation
from mlcore.evaluator.evaluation_file import EvaluationFileError
from mlcore.runs import RunFolder
from mlcore.training_run import checkpoint_to_evaluate
from torch import Tensor

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig
from mnist_classifier.demo import serve


def demonstrate(config: ExperimentConfig, options: Options) -> None:
    """Serve the page on this machine until Ctrl-C."""
    checkpoint = checkpoint_to_evaluate(options)
    classifier = build.read_classifier(checkpoint, choose_device(config.device))

    def predict(image: Tensor) -> Sequence[float]:
        with torch.inference_mode():
            probabilities: list[float] = (
                classifier.model(classifier.normalise(image)).softmax(dim=1)[0].tolist()
            )
        return probabilities

    run = options.run_folder
    title = checkpoint.name if run is None else run.path.name
    with serve(
        predict,
        classifier.classes,
        port=options.extra["port"],
        title=title,
        details="" if run is None else judgement_of(run),
    ) as server:
        print(f"{server.url}   (Ctrl-C ends it)", flush=True)
        server.wait()


def judgement_of(run: RunFolder) -> str:
    """What the run's evaluation says of it."""
    try:
        content = read_evaluation(run.path)
    except EvaluationFileError:
        return "not evaluated yet"
    metrics = content["metrics"]
    return f"{content['split']} accuracy {metrics['accuracy']:.2%} on {metrics['num_samples']:,} images"
