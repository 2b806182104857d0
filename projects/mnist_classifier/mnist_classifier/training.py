"""The command `train`: one run while the test images are closed, or one a fold."""

from mlcore.cli import Options
from mlcore.image_classification.training import train_classifier
from mldata.test_guard import test_split_closed

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig


def train(config: ExperimentConfig, options: Options) -> None:
    """Train a classifier. The test images stay closed: `evaluate` opens them."""
    if options.extra["cross_validate"]:
        from mnist_classifier.cross_validation import cross_validate

        cross_validate(config, options, options.extra["cross_validate"], options.extra["workers"])
        return
    with test_split_closed():
        train_classifier(config, options, build)
