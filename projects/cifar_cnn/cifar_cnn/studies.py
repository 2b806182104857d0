"""What the commands that train many runs have of this project's own: the configurations and the judge."""

from pathlib import Path

from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.device import choose_device
from mlcore.image_classification.comparison import compare_configurations
from mlcore.image_classification.stopping_study import study_stopping
from mlcore.runs import RunFolder

from cifar_cnn import build
from cifar_cnn.config import ExperimentConfig
from cifar_cnn.evaluation import judge_split


def compare(options: Options) -> int:
    """Each configuration of configs/architectures with each seed, against the reference; 1 if a run failed."""
    return compare_configurations(
        options, schema=ExperimentConfig, name="architectures", judge_on_test=judge_on_test, costs=True
    )


def compare_stopping(options: Options) -> int:
    """Adaptive stopping beside the best fixed length; 1 if a run failed."""
    return study_stopping(options, schema=ExperimentConfig, name="stopping", judge_on_test=judge_on_test)


def judge_on_test(run: RunFolder, checkpoint: Path) -> None:
    """Open the test images for a checkpoint of a run."""
    config = load_config(ExperimentConfig, run.config_path)
    classifier = build.read_classifier(checkpoint, choose_device(config.device))
    judge_split(run, classifier, "test", config, checkpoint)
