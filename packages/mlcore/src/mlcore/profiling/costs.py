"""What each layer costs whatever the machine: parameters, and floating-point operations of a training step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer


def own_parameters(model: nn.Module) -> dict[str, int]:
    """By module: the elements of its own parameters; tied ones count where they come first."""
    seen: set[int] = set()
    found: dict[str, int] = {}
    for name, module in model.named_modules():
        own = [parameter for parameter in module.parameters(recurse=False) if id(parameter) not in seen]
        seen |= {id(parameter) for parameter in own}
        found[name] = sum(parameter.numel() for parameter in own)
    return found


def own_flops(trainer: BaseTrainer, batch: Any) -> dict[str, int]:
    """By module: operations of products and convolutions for a batch, forward and backward, without inner modules.

    torch's own counter counts while the batch is really computed: the gradients are forgotten afterwards. Modules with
    nothing inside are then computed once more, each by itself, as they were called; what is left is the whole model's.
    (The counter's own account by modules puts backward passes elsewhere when a module gives its input on unchanged.)
    A model that does not compute with torch has none.
    """
    calls: list[tuple[str, nn.Module, tuple[Any, ...], bool]] = []

    def remember(name: str) -> Any:
        return lambda module, inputs: calls.append((name, module, inputs, torch.is_grad_enabled()))

    leaves = {name: module for name, module in trainer.model.named_modules() if not any(module.children())}
    handles = [module.register_forward_pre_hook(remember(name)) for name, module in leaves.items()]
    with FlopCounterMode(display=False) as counter:
        trainer.compute_gradients(batch, 1.0)
    for handle in handles:
        handle.remove()
    found = dict.fromkeys((name for name, _ in trainer.model.named_modules()), 0)
    for name, module, inputs, has_gradients in calls:
        with trainer.precision.autocast():  # an input may be in half precision
            found[name] += _flops_alone(module, inputs, has_gradients)
    found[""] += counter.get_total_flops() - sum(found.values())
    trainer.updater.forget_gradients()
    return found


def _flops_alone(module: nn.Module, inputs: tuple[Any, ...], has_gradients: bool) -> int:
    """Operations of one call of a module, and of its backward pass where there was one."""
    own = [x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs]
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(has_gradients):
        outputs = module(*own)
        if isinstance(outputs, Tensor) and outputs.requires_grad:
            outputs.sum().backward()
    return counter.get_total_flops()


def peak_tensor_bytes(trace: Path) -> int | None:
    """The most that tensors of the traced steps held at once, beyond what they held before; None if not recorded.

    Args:
        trace: Chrome trace of a profile with `profile_memory`.
    """
    events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    records = [event["args"] for event in events if event.get("name") == "[memory]"]
    devices = {record.get("Device Type") for record in records}
    # On an accelerator its own memory is what is scarce.
    kind = max((device for device in devices if device is not None), default=None)
    totals = [record["Total Allocated"] for record in records if record.get("Device Type") == kind]
    return max(totals, default=None)
