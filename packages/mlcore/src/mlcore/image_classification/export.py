"""What `export` does: a trained classifier of images as ONNX or safetensors, compared with itself on real images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.export.checked_file import ExportedFile
from mlcore.export.description import as_metadata, config_hash
from mlcore.export.onnx_file import OPSET, write_onnx
from mlcore.export.safetensors_file import write_safetensors
from mlcore.image_classification.checkpoints import read_image_checkpoint
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.wiring import ImageSet, Wiring
from mlcore.logger.number_format import format_bytes
from mlcore.trainer import weights_for_inference
from mlcore.training_run import checkpoint_to_evaluate

SUFFIXES = {"onnx": ".onnx", "safetensors": ".safetensors"}
NUM_EXAMPLES = 256
_CPU = torch.device("cpu")


class PixelClassifier(nn.Module):
    """A classifier that normalises by itself: logits (B, K) of images (B, C, H, W) of values from 0 to 1."""

    means: Tensor
    deviations: Tensor

    def __init__(self, classifier: ImageClassifier) -> None:
        super().__init__()
        self.model = classifier.model
        self.register_buffer("means", torch.tensor(classifier.means).view(1, -1, 1, 1))
        self.register_buffer("deviations", torch.tensor(classifier.deviations).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, K)."""
        return self.model((images - self.means) / self.deviations)


def export_classifier(config: Any, options: Options, wiring: Wiring) -> None:
    """Write a run's best weights for other programs, and say how well what was read back agrees."""
    checkpoint = checkpoint_to_evaluate(options)
    kind, path = kind_and_path(options, checkpoint)
    state = read_image_checkpoint(checkpoint)
    classifier = wiring.read_classifier(checkpoint, _CPU)
    train, validation = wiring.training_splits(config.data)
    held_out = train if validation is None else validation
    images = held_out.subset(range(min(NUM_EXAMPLES, len(held_out))))
    metadata = describe(state, classifier, images, run=path_of_run(options, checkpoint).name)
    if kind == "onnx":
        written = write_classifier_onnx(classifier, images, path, metadata)
        print(f"onnx    opset {OPSET}, float32, batches of any size; run by onnxruntime")
    else:
        written = write_classifier_weights(state, classifier, images, path, metadata, wiring)
        print("weights float32 and their description; the model was built again from the file alone")
    print(f"checked on {held_out.split} images of {images.name}")
    print_export(written)


def kind_and_path(options: Options, checkpoint: Path) -> tuple[str, Path]:
    """The format and the file that the command line means; each may follow from the other.

    Raises:
        ConfigError: the file's ending says another format.
    """
    output: Path | None = options.extra["output"]
    kinds = {suffix: kind for kind, suffix in SUFFIXES.items()}
    kind = options.extra["format"] or (kinds.get(output.suffix) if output is not None else "onnx")
    if kind is None or (output is not None and output.suffix != SUFFIXES[kind]):
        wanted = " or ".join(SUFFIXES.values()) if kind is None else SUFFIXES[kind]
        raise ConfigError(f"command line: --output: {output} must end in {wanted}")
    return kind, output or path_of_run(options, checkpoint) / "export" / f"model{SUFFIXES[kind]}"


def path_of_run(options: Options, checkpoint: Path) -> Path:
    """The folder of the run; beside a checkpoint that stands alone, its own."""
    return checkpoint.absolute().parent if options.run_folder is None else options.run_folder.path


def describe(
    state: Mapping[str, Any], classifier: ImageClassifier, images: ImageSet, *, run: str
) -> dict[str, str]:
    """What the file says: how to build the model, what its inputs and outputs mean, where it comes from."""
    height, width, channels = images.image_shape
    return as_metadata(
        {
            "run": run,
            "config_sha256": config_hash(state["config"]) if "config" in state else "unknown",
            # The file has its own weights: where pretrained ones once lay is nobody's business.
            "model_config": {
                key: None if key == "weights" else value for key, value in state["model_config"].items()
            },
            "data": images.name,
            "classes": list(classifier.classes),
            "means": list(classifier.means),
            "deviations": list(classifier.deviations),
            "image_shape": [channels, height, width],
        }
    )


def write_classifier_onnx(
    classifier: ImageClassifier, images: ImageSet, path: Path, metadata: Mapping[str, str]
) -> ExportedFile:
    """The whole way from pixels (0 to 1) to logits; compared with the classifier's own way from the stored bytes."""
    model = PixelClassifier(classifier.differentiable()).eval()
    pixels = images.images.permute(0, 3, 1, 2).contiguous().float() / 255
    expected = classifier.predict(images)
    text = {**metadata, "input": "images: float32 (batch, channels, height, width), values from 0 to 1"}
    return write_onnx(model, pixels, expected, path, names=("images", "logits"), metadata=text)


def write_classifier_weights(
    state: Mapping[str, Any],
    classifier: ImageClassifier,
    images: ImageSet,
    path: Path,
    metadata: Mapping[str, str],
    wiring: Wiring,
) -> ExportedFile:
    """The weights; compared with a classifier that is built from the file and nothing else."""

    def outputs_of(weights: dict[str, Tensor], description: dict[str, str]) -> Tensor:
        return classifier_of_file(weights, description, wiring).predict(images)

    return write_safetensors(
        weights_for_inference(state),
        path,
        metadata={
            **metadata,
            "input": "(pixels from 0 to 1 - means) / deviations, float32 (batch, channels, …)",
        },
        outputs_of=outputs_of,
        expected=classifier.predict(images),
    )


def classifier_of_file(
    weights: Mapping[str, Tensor], description: Mapping[str, str], wiring: Wiring
) -> ImageClassifier:
    """The classifier that a safetensors file describes (`mlcore.export.safetensors_file.read_safetensors`)."""
    keys = ("model_config", "means", "deviations", "classes")
    return wiring.classifier_from({key: json.loads(description[key]) for key in keys}, weights, _CPU)


def print_export(written: ExportedFile) -> None:
    """Size, agreement and name of a file."""
    print(f"size    {format_bytes(written.num_bytes)}")
    print(f"differs {written.agreement}")
    print(f"file    {written.path}")
