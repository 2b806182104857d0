"""A model as an ONNX file for batches of any size, run by onnxruntime before it gets its name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlcore.export.checked_file import ExportedFile, write_checked
from mlcore.export.optional_libraries import require_onnx

OPSET = 18
# Another program adds up float32 in another order: some 1e-6 of the largest output; a wrong layer shows as 1e-2.
TOLERANCE = 1e-4


def write_onnx(
    model: nn.Module,
    inputs: Tensor,
    expected: Tensor,
    path: Path,
    *,
    names: tuple[str, str] = ("inputs", "outputs"),
    metadata: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
) -> ExportedFile:
    """Write `model` as ONNX, whose first dimension may have any length; weights and graph are one file.

    The file is checked by onnx, and run by onnxruntime on a batch of one example and on all the others at once.

    Args:
        model: in evaluation mode, on the CPU; one tensor in, one out.
        inputs: (N, ...) real examples, N at least 3.
        expected: what is to come out, (N, ...).
        names: of input and output.
        metadata: what the file says of the model.
        tolerance: largest difference, as a share of the largest output.

    Raises:
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
        ExportError: onnxruntime finds other outputs.
    """
    require_onnx()
    assert len(inputs) >= 3, "one example alone, and a batch of several"
    return write_checked(
        path,
        write=lambda temporary: _write(model, inputs[:2], temporary, names, metadata or {}),
        outputs_of=lambda temporary: run_onnx(temporary, inputs),
        expected=expected,
        tolerance=tolerance,
    )


def run_onnx(path: Path, inputs: Tensor) -> Tensor:
    """The outputs (N, ...) that onnxruntime finds on the CPU, for the first example alone and the rest together."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: part.numpy()})[0] for part in (inputs[:1], inputs[1:])]
    return torch.cat([torch.from_numpy(part) for part in parts])


def read_onnx_metadata(path: Path) -> dict[str, str]:
    """What a file says of its model."""
    import onnx

    return {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}


def _write(
    model: nn.Module, examples: Tensor, path: Path, names: tuple[str, str], metadata: Mapping[str, str]
) -> None:
    import onnx

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter about its own parts
        program: Any = torch.onnx.export(
            model,
            (examples,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=[names[0]],
            output_names=[names[1]],
            opset_version=OPSET,
            verbose=False,
        )
    proto = program.model_proto
    _forget_source_lines(proto)
    onnx.helper.set_model_props(proto, dict(metadata))
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString())


def _forget_source_lines(proto: Any) -> None:
    """The exporter notes for every node the line of Python that it comes from, with the paths of this machine."""
    for part in (
        *proto.graph.node,
        *proto.graph.value_info,
        *(node for f in proto.functions for node in f.node),
    ):
        part.ClearField("metadata_props")
    proto.graph.ClearField("metadata_props")
    for function in proto.functions:
        function.ClearField("metadata_props")
