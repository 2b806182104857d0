"""Targets of the training benchmark: one whole step each, forward to loss as a number. Run in the benchmark's children.

All begin with the same weights and see the same batch, so that equal losses show that they do the same work.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from mlcore.benchmarking import Workload
from mlcore.trainer.optimizers import build_optimizer
from mlcore.trainer.precision import MixedPrecision
from mlcore.trainer.update import Updater
from mlmodels.custom_transformer.size import flops_per_token
from mlmodels.custom_transformer.twin import AutogradTransformer
from torch import Tensor, nn

from custom_transformer import build
from custom_transformer.config import ExperimentConfig


class Setup:
    """What all targets are told, and what they have in common.

    Args:
        model: of `CustomTransformerConfig`.
        training: of the training section: optimizer, rates, clipping.
        batch_size, context: sequences of a step, and their tokens.
    """

    def __init__(
        self,
        model: Mapping[str, Any],
        training: Mapping[str, Any],
        batch_size: int,
        context: int,
        device: str,
        seed: int,
    ) -> None:
        self.config = ExperimentConfig.model_validate(
            {"model": dict(model), "training": dict(training), "data": {"max_length": context}}
        )
        self.batch_size, self.context, self.seed = batch_size, context, seed
        self.device = torch.device(device)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Random tokens (B, T) and what follows them."""
        generator = torch.Generator().manual_seed(self.seed)
        size = (self.batch_size, self.context + 1)
        windows = torch.randint(self.config.model.vocab_size, size, generator=generator).to(self.device)
        return windows[:, :-1].contiguous(), windows[:, 1:].contiguous()

    def weights(self) -> dict[str, Tensor]:
        """The weights that everyone begins with, on the CPU."""
        reference = self.config.model.model_copy(update={"kernels": "reference"})
        return build.make_model(reference, torch.device("cpu"), self.seed).state_dict()

    def workload(self, step: Callable[[], object], model: nn.Module, **facts: Any) -> Workload:
        """The step with what it is worth."""
        num_tokens = self.batch_size * self.context
        return Workload(
            step,
            items_per_step=num_tokens,
            flops_per_step=flops_per_token(self.config.model, self.context) * num_tokens,
            dtype=self.config.model.dtype,
            device=str(self.device),
            facts={"parameters": sum(parameter.numel() for parameter in model.parameters()), **facts},
        )


def ours(**arguments: Any) -> Workload:
    """The hand-written gradients, then the update of the project's own training; `kernels` stands in the model."""
    setup = Setup(**arguments)
    model = build.make_model(setup.config.model, setup.device, setup.seed)
    training = setup.config.training
    optimizer = build.make_optimizer(model, setup.config) or build_optimizer(model, training)
    updater = Updater(optimizer, MixedPrecision("off", setup.device), training.max_grad_norm)
    tokens_BT, targets_BT = setup.batch()

    def step() -> float:
        loss, _ = model.loss_and_gradient(tokens_BT, targets_BT)
        value = float(loss)
        updater.apply(value, 1.0)
        return value

    return setup.workload(step, model, kernels=setup.config.model.kernels, optimizer=type(optimizer).__name__)


def twin(*, is_compiled: bool, is_autocast: bool = False, **arguments: Any) -> Workload:
    """The same transformer by autograd. Its casts are written out, where autocast would make them; with `is_autocast`
    it is a float32 model under autocast instead."""
    setup = Setup(**arguments)
    config = setup.config.model.model_copy(update={"dtype": "float32"} if is_autocast else {})
    model = AutogradTransformer.from_config(config)
    model.load_state_dict(setup.weights())
    model.to(setup.device)
    return autograd_workload(setup, model, model.loss, is_compiled=is_compiled, is_autocast=is_autocast)


def gpt2(*, is_compiled: bool, is_autocast: bool = False, **arguments: Any) -> Workload:
    """Hugging Face's GPT-2 of the same dimensions, with its own loss."""
    from custom_transformer.benchmarking.hugging_face import gpt2_of

    setup = Setup(**arguments)
    model = gpt2_of(setup.config.model, setup.weights(), setup.device).train()

    def loss_of(tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        # Our targets are shifted already; GPT-2 would shift its labels itself and lose the last one.
        return model(tokens_BT, labels=targets_BT, shift_labels=targets_BT, use_cache=False).loss

    return autograd_workload(setup, model, loss_of, is_compiled=is_compiled, is_autocast=is_autocast)


def autograd_workload(
    setup: Setup,
    model: nn.Module,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    *,
    is_compiled: bool,
    is_autocast: bool,
) -> Workload:
    """Loss, autograd, torch's own clipping and fused optimizer; the loss's function is compiled as a whole."""
    training = setup.config.training
    optimizer = build_optimizer(model, training)
    function = torch.compile(loss_of, dynamic=False) if is_compiled else loss_of
    tokens_BT, targets_BT = setup.batch()
    kind = setup.device.type

    def precision() -> AbstractContextManager[Any]:
        return torch.autocast(kind, torch.bfloat16) if is_autocast else nullcontext()

    def step() -> float:
        with precision():
            loss = function(tokens_BT, targets_BT)
        loss.backward()
        if training.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), training.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    return setup.workload(step, model, is_compiled=is_compiled, is_autocast=is_autocast)
