"""What torch's profiler recorded of some steps, added up by operator and by layer.

Every moment of a step counts once: for the innermost operator that ran, or, where none did, for the Python between
them. So the rows of a table add up to the steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from mlcore.profiling.phases import ANNOTATION, STEP

LAYER = "layer: "  # how the ranges of layers begin
PYTHON = "(Python between operators)"
OUTSIDE = "(outside of the model)"
_NODE = "autograd::engine::evaluate_function: "


@dataclass
class OperatorTime:
    """One operator, over all traced steps: seconds of its own, without the operators that it calls.

    `num_bytes`: what it allocated and did not give back itself.
    """

    name: str
    calls: int = 0
    own_s: float = 0.0
    total_s: float = 0.0
    device_s: float = 0.0
    num_bytes: int = 0


@dataclass
class LayerTime:
    """One module without the modules in it, over all traced steps.

    `num_bytes`: what its forward pass left allocated, for the most part activations that backward needs.
    """

    name: str
    forward_s: float = 0.0
    backward_s: float = 0.0
    device_s: float = 0.0
    num_bytes: int = 0


@dataclass(frozen=True)
class TraceTotals:
    """The traced steps, added up.

    Attributes:
        seconds: of the steps, as the trace has them.
        operators: with the largest time first; `PYTHON` is one of them.
        layers: by name; `OUTSIDE` holds loss, optimizer and all else.
    """

    seconds: float
    operators: list[OperatorTime]
    layers: dict[str, LayerTime]


def watch_layers(model: nn.Module) -> list[Any]:
    """Let every module's forward pass be a range of the trace; returns handles whose `remove()` ends that."""
    from torch.profiler import record_function

    handles: list[Any] = []
    for name, module in model.named_modules():
        open_ranges: list[Any] = []

        def enter(*_: Any, name: str = name, open_ranges: list[Any] = open_ranges) -> None:
            open_ranges.append(record_function(LAYER + name))
            open_ranges[-1].__enter__()

        def leave(*_: Any, open_ranges: list[Any] = open_ranges) -> None:
            open_ranges.pop().__exit__(None, None, None)

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    return handles


def add_up(events: list[Any]) -> TraceTotals:
    """Totals of the events of `torch.profiler.profile.events()`."""
    operators: dict[str, OperatorTime] = {}
    layers: dict[str, LayerTime] = {}
    layer_of_node: dict[int, str] = {}
    steps = [event for event in events if event.name == ANNOTATION + STEP and not _is_on_device(event)]
    # On CUDA autograd has a thread of its own, whose events lie in no step.
    nodes = [event for event in events if event.cpu_parent is None and event.name.startswith(_NODE)]
    for root in (*steps, *nodes):
        for event, layer, is_backward in _walk(root, OUTSIDE, False, layer_of_node):
            is_range = event.name.startswith((ANNOTATION, LAYER))
            own_s, device_s = event.self_cpu_time_total * 1e-6, event.self_device_time_total * 1e-6
            num_bytes = event.self_cpu_memory_usage + event.self_device_memory_usage
            row = operators.setdefault(PYTHON if is_range else event.name, OperatorTime(event.name))
            row.calls += not is_range
            row.own_s += own_s
            row.total_s += own_s if is_range else event.cpu_time_total * 1e-6
            row.device_s += 0.0 if is_range else device_s
            row.num_bytes += num_bytes
            place = layers.setdefault(layer, LayerTime(layer))
            place.device_s += 0.0 if is_range else device_s
            if is_backward:
                place.backward_s += own_s
            else:
                place.forward_s += own_s
                place.num_bytes += num_bytes
    if PYTHON in operators:
        operators[PYTHON].name = PYTHON
    ordered = sorted(operators.values(), key=lambda row: -max(row.own_s, row.device_s))
    return TraceTotals(sum(step.cpu_time_total for step in steps) * 1e-6, ordered, layers)


def _walk(
    event: Any, layer: str, is_backward: bool, layer_of_node: dict[int, str]
) -> Iterator[tuple[Any, str, bool]]:
    """An event and all below it, each with the layer that it belongs to.

    The node of autograd that differentiates an operator has the operator's sequence number.
    """
    if event.name.startswith(LAYER):
        layer = event.name.removeprefix(LAYER) or "(model)"
    elif event.name.startswith(_NODE):
        layer, is_backward = layer_of_node.get(event.sequence_nr, OUTSIDE), True
    elif event.sequence_nr >= 0 and not is_backward:
        layer_of_node[event.sequence_nr] = layer
    yield event, layer, is_backward
    for child in event.cpu_children:
        yield from _walk(child, layer, is_backward, layer_of_node)


def _is_on_device(event: Any) -> bool:
    return str(event.device_type).rpartition(".")[2] not in ("CPU",)
