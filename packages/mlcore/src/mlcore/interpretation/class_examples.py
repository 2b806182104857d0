"""A few samples of each class, to be looked at."""

import torch
from torch import Tensor


def examples_of_classes(labels: Tensor, num_classes: int, num: int, *, seed: int = 0) -> list[Tensor]:
    """For each class up to `num` positions of its samples, drawn without replacement; the same for the same
    labels and seed.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for number in range(num_classes):
        own = (labels.cpu() == number).nonzero().squeeze(1)
        chosen.append(own[torch.randperm(len(own), generator=generator)[:num]])
    return chosen
