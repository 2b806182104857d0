"""The command `run_ablations`: each configuration of configs/ablations with each seed, against the reference."""

from pathlib import Path

from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.device import choose_device
from mlcore.image_classification.comparison import compare_configurations
from mlcore.runs import RunFolder

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig
from mnist_classifier.evaluation import judge_split


def run_ablations(options: Options) -> int:
    """Train what is not trained yet, judge every run on the test images, and compare; 1 if a run failed."""
    return compare_configurations(
        options, schema=ExperimentConfig, name="ablations", judge_on_test=judge_on_test
    )


def judge_on_test(run: RunFolder, checkpoint: Path) -> None:
    """Open the test images for a checkpoint of a run."""
    config = load_config(ExperimentConfig, run.config_path)
    classifier = build.read_classifier(checkpoint, choose_device(config.device))
    judge_split(run, classifier, "test", config, checkpoint)
