"""The command `compare`: each configuration of configs/architectures with each seed, against the reference."""

from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.device import choose_device
from mlcore.image_classification.comparison import compare_configurations
from mlcore.runs import RunFolder

from cifar_cnn import build
from cifar_cnn.config import ExperimentConfig
from cifar_cnn.evaluation import judge_split


def compare(options: Options) -> int:
    """Train what is not trained yet, judge every run on the test images, and compare; 1 if a run failed."""
    return compare_configurations(options, name="architectures", judge_on_test=judge_on_test, costs=True)


def judge_on_test(run: RunFolder) -> None:
    """Open the test images for a run."""
    config, checkpoint = load_config(ExperimentConfig, run.config_path), run.checkpoints / "best.pt"
    classifier = build.read_classifier(checkpoint, choose_device(config.device))
    judge_split(run, classifier, "test", config, checkpoint)
