"""Run a model forward and keep what some of its layers gave out."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from mlcore.interpretation.errors import InterpretationError


def forward_recording(
    model: nn.Module, layers: Mapping[str, nn.Module], inputs: Tensor
) -> tuple[Any, dict[str, Tensor]]:
    """The model's result, and the output of each layer by name, still attached to the graph.

    The layers' hooks are removed before this returns, also after an exception. Whatever follows a layer
    receives a copy of its output, so that an in-place activation does not change what was recorded.

    Raises:
        InterpretationError: a layer did not run, ran twice, or gave out something else than a tensor.
    """
    outputs: dict[str, Tensor] = {}
    handles = []
    try:
        for name, layer in layers.items():
            handles.append(layer.register_forward_hook(_recorder(name, outputs)))
        result = model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    missing = [name for name in layers if name not in outputs]
    if missing:
        raise InterpretationError(
            f"layer {missing[0]!r} did not run in the forward pass of {type(model).__name__}: it is no part of "
            "this model, or the model does not use it"
        )
    return result, outputs


def _recorder(name: str, outputs: dict[str, Tensor]) -> Callable[[nn.Module, Any, Any], Tensor]:
    def record(layer: nn.Module, inputs: Any, output: Any) -> Tensor:
        kind = type(layer).__name__
        if not isinstance(output, Tensor):
            raise InterpretationError(
                f"layer {name!r} ({kind}) gives a {type(output).__name__}, not a tensor"
            )
        if name in outputs:
            raise InterpretationError(
                f"layer {name!r} ({kind}) runs more than once in a forward pass, so its output is ambiguous; "
                "give the model one module for each use"
            )
        outputs[name] = output
        return output.clone()

    return record
