"""A model's weights as a safetensors file with a description, rebuilt from the file before it gets its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from mlcore.errors import CheckpointError
from mlcore.export.agreement import ExportError
from mlcore.export.checked_file import ExportedFile, write_checked

# The weights read back must have the same bits; the same program computes with them.
TOLERANCE = 1e-6
Outputs = Callable[[dict[str, Tensor], dict[str, str]], Tensor]


def write_safetensors(
    weights: Mapping[str, Tensor],
    path: Path,
    *,
    metadata: Mapping[str, str],
    outputs_of: Outputs,
    expected: Tensor,
    tolerance: float = TOLERANCE,
) -> ExportedFile:
    """Write weights and their description.

    Args:
        weights: by name; tied ones are written once under each name.
        metadata: enough to rebuild the model.
        outputs_of: builds the model from weights and metadata alone and runs it on the examples.
        expected: the outputs of the model that was trained.
        tolerance: largest difference, as a share of the largest output.

    Raises:
        ExportError: a weight or an output is another one after reading.
    """
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}

    def read_and_run(temporary: Path) -> Tensor:
        found, description = read_safetensors(temporary)
        changed = [name for name in plain if name not in found or not torch.equal(found[name], plain[name])]
        if changed:
            raise ExportError(f"{path}: not written: read back, {changed[0]} is not what it was")
        return outputs_of(found, description)

    return write_checked(
        path,
        write=lambda temporary: temporary.write_bytes(save(plain, metadata=dict(metadata))),
        outputs_of=read_and_run,
        expected=expected,
        tolerance=tolerance,
    )


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Weights by name, on the CPU, and the description.

    Raises:
        CheckpointError: missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read as safetensors: {error}") from error
