"""The command `train`: one run while the test images are closed."""

from mlcore.cli import Options
from mlcore.image_classification.training import train_classifier
from mldata.images.augmentation.config import AugmentationConfig
from mldata.test_guard import test_split_closed

from cifar_cnn import build
from cifar_cnn.augmentation_sheets import show_in_report
from cifar_cnn.config import ExperimentConfig


def train(config: ExperimentConfig, options: Options) -> None:
    """Train a classifier. The test images stay closed: `evaluate` opens them."""
    with test_split_closed():
        run = train_classifier(config, options, build)
        if run is not None and config.data.augmentation != AugmentationConfig():
            show_in_report(config, run)
