"""What is out stays out through every update of the shared trainer, whatever the optimizer does."""

from typing import Any

import pytest
import torch
from mlcore.errors import CheckpointError
from mlcore.pruning.choosing import filter_masks, weight_masks
from mlcore.pruning.masks import KEY, apply_masks, keep_masked, masks_in
from mlcore.trainer import BaseTrainer, ClassificationTrainer, TrainingConfig
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

STEPS = 8


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(5)
    return [
        (torch.randn(6, 3, 8, 8, generator=generator), torch.randint(3, (6,), generator=generator))
        for _ in range(STEPS)
    ]


def trainer_of(model: nn.Module, **settings: Any) -> BaseTrainer:
    return ClassificationTrainer(
        model, TrainingConfig(epochs=1, monitor="train_loss", **settings), device="cpu"
    )


def zeros_of(model: nn.Module, masks: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([model.get_parameter(name)[~mask] for name, mask in masks.items()])


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adamw", "weight_decay": 0.1, "learning_rate": 0.05},
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "learning_rate": 0.1, "ema_decay": 0.5},
        {"optimizer": "adam", "learning_rate": 0.05, "max_grad_norm": 0.1, "accumulation_steps": 2},
    ],
    ids=lambda settings: settings["optimizer"],
)
@pytest.mark.parametrize("choose", [weight_masks, filter_masks])
def test_pruned_weights_stay_zero_and_the_others_move(
    network: nn.Module, settings: dict, choose: Any
) -> None:
    masks = choose(network, 0.5)
    start = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    trainer = trainer_of(network, **settings)
    keep_masked(trainer, masks)
    trainer.train(batches())
    assert not zeros_of(network, masks).any()
    moved = [network.get_parameter(name)[mask] != start[name][mask] for name, mask in masks.items()]
    assert torch.cat(moved).float().mean() > 0.3  # all but what stands behind a ReLU that never opens
    if trainer.ema is not None:
        assert not zeros_of(trainer.ema.model, masks).any()


def test_without_the_masks_they_would_come_back(network: nn.Module) -> None:
    masks = weight_masks(network, 0.5)
    apply_masks(network, masks)
    trainer_of(network, optimizer="sgd", learning_rate=0.1).train(batches())
    assert zeros_of(network, masks).count_nonzero() > 0.5 * len(zeros_of(network, masks))


def test_muon_which_moves_weights_without_a_gradient_brings_none_back(network: nn.Module) -> None:
    masks = weight_masks(network.fc, 0.5)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 10, bias=False), network.fc, network.head)
    masks = {f"2.{name}": mask for name, mask in masks.items()}
    trainer = trainer_of(model, optimizer="muon", learning_rate=0.05, momentum=0.9)
    keep_masked(trainer, masks)
    trainer.train(batches())
    assert not zeros_of(model, masks).any()


def test_training_equals_training_through_torchs_own_pruning(network: nn.Module) -> None:
    import copy

    masks = weight_masks(network, 0.6)
    twin = copy.deepcopy(network).train()
    for name, mask in masks.items():
        prune.custom_from_mask(twin.get_submodule(name.removesuffix(".weight")), "weight", mask)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.05, momentum=0.9)
    for images, labels in batches():
        optimizer.zero_grad()
        functional.cross_entropy(twin(images), labels).backward()
        optimizer.step()
    for name in masks:
        prune.remove(twin.get_submodule(name.removesuffix(".weight")), "weight")

    trainer = trainer_of(network, optimizer="sgd", learning_rate=0.05, momentum=0.9)
    keep_masked(trainer, masks)
    trainer.train(batches())
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter, twin.get_parameter(name), rtol=1e-4, atol=1e-6, msg=name)


def test_checkpoints_hold_the_masks_and_a_plain_one_says_that_it_has_none(network: nn.Module) -> None:
    from mlcore.trainer import run_state

    masks = filter_masks(network, 0.5)
    trainer = trainer_of(network, optimizer="sgd", learning_rate=0.1)
    keep_masked(trainer, masks)
    state = run_state.collect(trainer)
    found = masks_in(state)
    assert found.keys() == masks.keys()
    assert all(torch.equal(found[name], mask) for name, mask in masks.items())
    del state[KEY]
    with pytest.raises(CheckpointError, match="not pruned"):
        masks_in(state)


def test_masks_of_another_model_are_refused(network: nn.Module) -> None:
    masks = weight_masks(network, 0.5)
    with pytest.raises(CheckpointError, match=r"another model: body\.conv1"):
        apply_masks(nn.Linear(2, 2), masks)
