"""The operation count against torch's own counter."""

import pytest
import torch
from mlmodels.image_classifiers.cnn import CnnClassifier
from mlmodels.image_classifiers.config import CnnConfig, FcConfig
from mlmodels.image_classifiers.fc import FcClassifier
from mlmodels.image_classifiers.flops import flops_per_image
from mlmodels.image_classifiers.photograph_configs import SimpleCnnConfig
from mlmodels.image_classifiers.simple_cnn import SimpleCnn
from torch.utils.flop_counter import FlopCounterMode


@pytest.mark.parametrize(
    ("model", "config", "shape"),
    [
        (FcClassifier, FcConfig(), (1, 28, 28)),
        (FcClassifier, FcConfig(input_size=12, hidden_sizes=(5,), num_classes=3), (3, 2, 2)),
        (CnnClassifier, CnnConfig(), (1, 28, 28)),
        (CnnClassifier, CnnConfig(in_channels=3, image_size=32, num_classes=7), (3, 32, 32)),
        (SimpleCnn, SimpleCnnConfig(in_channels=1, image_size=28), (1, 28, 28)),
        (SimpleCnn, SimpleCnnConfig(channels=(5, 7), convolutions=(3, 1)), (3, 32, 32)),
    ],
)
def test_the_formula_counts_what_torch_counts(model: type, config: object, shape: tuple[int, ...]) -> None:
    num_images = 4
    network = model.from_config(config)
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(num_images, *shape)).sum().backward()
    assert counter.get_total_flops() == num_images * flops_per_image(config)
