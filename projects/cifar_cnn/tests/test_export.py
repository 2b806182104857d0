"""The command `export`: files that other programs run, from a trained run."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

Command = Callable[..., int]


@pytest.fixture
def validation_images(finished_run: Path) -> tuple[np.ndarray, torch.Tensor]:
    """Pixels (N, C, H, W) from 0 to 1 of held-out images, and what the run's own model says of them."""
    from cifar_cnn import build
    from cifar_cnn.config import ExperimentConfig
    from mlcore.config import load_config

    config = load_config(ExperimentConfig, finished_run / "config.yaml")
    images = build.training_splits(config.data)[1].subset(range(100))
    classifier = build.read_classifier(finished_run / "checkpoints/best.pt", torch.device("cpu"))
    return images.images.permute(0, 3, 1, 2).numpy().astype(np.float32) / 255, classifier.predict(images)


def test_onnxruntime_says_of_plain_pixels_what_the_run_says(
    run: Command,
    finished_run: Path,
    tmp_path: Path,
    validation_images: tuple[np.ndarray, torch.Tensor],
    capsys: pytest.CaptureFixture[str],
) -> None:
    import onnxruntime

    path = tmp_path / "shapes.onnx"
    words = ("--run", "smoke", "--runs-dir", str(finished_run.parent), "--output", str(path))
    assert run("export", *words) == 0
    told = capsys.readouterr().out
    assert "256 examples" in told
    assert "allowed 1e-04" in told
    pixels, logits = validation_images
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(["logits"], {"images": pixels})
    np.testing.assert_allclose(found, logits.numpy(), rtol=0, atol=1e-4 * float(logits.abs().max()))
    about = session.get_modelmeta().custom_metadata_map
    state = torch.load(finished_run / "checkpoints/best.pt", weights_only=True)
    assert json.loads(about["classes"]) == state["classes"]
    assert json.loads(about["means"]) == pytest.approx(state["means"])
    assert about["data"] == "shapes"
    assert len(about["config_sha256"]) == 64


def test_the_weights_alone_rebuild_the_classifier(
    run: Command,
    finished_run: Path,
    tmp_path: Path,
    validation_images: tuple[np.ndarray, torch.Tensor],
) -> None:
    from cifar_cnn import build
    from mlcore.export.safetensors_file import read_safetensors
    from mlcore.image_classification.export import classifier_of_file

    path = tmp_path / "shapes.safetensors"
    words = ("--run", "smoke", "--runs-dir", str(finished_run.parent), "--output", str(path))
    assert run("export", *words) == 0
    classifier = classifier_of_file(*read_safetensors(path), build)
    pixels, logits = validation_images
    with torch.inference_mode():
        found = classifier.model(classifier.normalise(torch.from_numpy(pixels)))
    torch.testing.assert_close(found, logits, rtol=0, atol=1e-5 * float(logits.abs().max()))


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("--output", "model.pt"), 2, ".onnx or .safetensors"),
        (("--format", "onnx", "--output", "model.safetensors"), 2, "must end in .onnx"),
        (("--format", "onyx"), 2, "onnx"),
    ],
)
def test_a_wrong_file_or_format_is_one_line(
    run: Command,
    finished_run: Path,
    words: tuple[str, ...],
    code: int,
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("export", "--run", "smoke", "--runs-dir", str(finished_run.parent), *words) == code
    message = capsys.readouterr().err.replace(f"run: {finished_run}\n", "")
    assert expected in message
    assert len(message.strip().splitlines()) == 1
