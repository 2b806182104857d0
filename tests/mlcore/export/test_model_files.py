"""ONNX and safetensors: other readers find the model that was written, and what is not that model is never kept."""

import ast
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from mlcore.errors import CheckpointError, ConfigError
from mlcore.export.agreement import ExportError, compare_outputs
from mlcore.export.description import as_metadata, config_hash
from mlcore.export.onnx_file import read_onnx_metadata, run_onnx, write_onnx
from mlcore.export.optional_libraries import ONNX_LIBRARIES, MissingExtraError
from mlcore.export.safetensors_file import read_safetensors, write_safetensors
from torch import Tensor, nn


def network() -> nn.Module:
    """A small network with something of everything, BatchNorm with statistics of its own included."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(96, 4),
    )
    with torch.no_grad():
        for _ in range(5):
            model(2 + 3 * torch.randn(64, 3, 8, 8))
    return model.eval()


@pytest.fixture(scope="module")
def inputs() -> Tensor:
    return torch.randn(7, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def expected(inputs: Tensor) -> Tensor:
    with torch.inference_mode():
        return network()(inputs)


@pytest.fixture(scope="module")
def onnx_file(inputs: Tensor, expected: Tensor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "made" / "model.onnx"
    written = write_onnx(network(), inputs, expected, path, names=("x", "y"), metadata={"classes": '["a"]'})
    assert written.num_bytes == path.stat().st_size > 4 * (6 * 27 + 6 + 24 + 96 * 4 + 4)
    return path


def test_the_reference_evaluator_of_onnx_finds_the_outputs_of_the_model(
    onnx_file: Path, inputs: Tensor, expected: Tensor
) -> None:
    from onnx.reference import ReferenceEvaluator

    (found,) = ReferenceEvaluator(str(onnx_file)).run(None, {"x": inputs.numpy()})
    assert np.abs(found - expected.numpy()).max() < 1e-5 * float(expected.abs().max())


@pytest.mark.parametrize("num", [2, 3, 6])
def test_the_file_takes_batches_that_it_was_not_written_with(
    onnx_file: Path, inputs: Tensor, expected: Tensor, num: int
) -> None:
    assert run_onnx(onnx_file, inputs[:num]).shape == (num, 4)
    torch.testing.assert_close(run_onnx(onnx_file, inputs[:num]), expected[:num], rtol=0, atol=1e-5)


def test_the_file_says_what_it_holds_and_no_path_of_this_machine(onnx_file: Path) -> None:
    assert read_onnx_metadata(onnx_file) == {"classes": '["a"]'}
    content = onnx_file.read_bytes()
    assert b".py" not in content
    assert str(Path(torch.__file__).parent).encode() not in content
    assert [path.name for path in onnx_file.parent.iterdir()] == ["model.onnx"], "nothing is left beside it"


@pytest.mark.parametrize("fault", ["weight", "statistics", "nan"])
def test_a_file_that_is_another_model_never_gets_its_name(
    fault: str, inputs: Tensor, expected: Tensor, tmp_path: Path
) -> None:
    model = network()
    with torch.no_grad():
        if fault == "weight":
            model[6].weight[0, 0] += 0.1
        elif fault == "statistics":
            model[2].running_var *= 1.01
        else:
            model[6].bias[0] = float("nan")
    path = tmp_path / "model.onnx"
    path.write_bytes(b"what was there before")
    with pytest.raises(ExportError, match="not written"):
        write_onnx(model, inputs, expected, path)
    assert path.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("missing", ONNX_LIBRARIES)
def test_a_missing_library_is_one_line_that_names_it_and_the_extra(
    missing: str, inputs: Tensor, expected: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError) as found:
        write_onnx(network(), inputs, expected, tmp_path / "model.onnx")
    message = str(found.value)
    assert f"needs {missing}, not installed" in message
    assert "mlcore[export]" in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_only_the_extra_brings_the_libraries_and_the_environment_of_the_tests_has_it(
    repository: Path,
) -> None:
    project = tomllib.loads((repository / "packages/mlcore/pyproject.toml").read_text())["project"]
    names = [line.split(">=")[0] for line in project["optional-dependencies"]["export"]]
    assert sorted(names) == sorted(ONNX_LIBRARIES)
    assert not [line for line in project["dependencies"] if line.startswith("onnx")]
    members = tomllib.loads((repository / "hatch.toml").read_text())["envs"]["default"]["workspace"][
        "members"
    ]
    assert {"path": "packages/mlcore", "features": ["export"]} in members


def test_nothing_imports_them_before_a_file_is_written(repository: Path) -> None:
    for path in (repository / "packages/mlcore/src/mlcore/export").glob("*.py"):
        top = [
            node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        names = {getattr(node, "module", None) or node.names[0].name for node in top}
        assert not {name.split(".")[0] for name in names} & set(ONNX_LIBRARIES), path


# safetensors


def test_safetensors_own_reader_finds_every_weight_bit_for_bit(
    inputs: Tensor, expected: Tensor, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    model = network().to(memory_format=torch.channels_last)  # lies in another order in memory
    state = {**model.state_dict(), "tied": model.state_dict()["6.weight"]}
    written = write_safetensors(
        state, tmp_path / "w.safetensors", metadata={"a": "b"}, outputs_of=rebuilt(inputs), expected=expected
    )
    found = load_file(written.path)
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        np.testing.assert_array_equal(found[name], tensor.numpy())
    assert read_safetensors(written.path)[1] == {"a": "b"}
    assert written.agreement.share < 1e-6


def rebuilt(inputs: Tensor):
    """Outputs of the network that is built from the weights of a file."""

    def outputs(weights: dict[str, Tensor], metadata: dict[str, str]) -> Tensor:
        model = network()
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
        model.load_state_dict({name: tensor for name, tensor in weights.items() if name != "tied"})
        with torch.inference_mode():
            return model(inputs)

    return outputs


def test_weights_that_rebuild_another_model_are_not_written(
    inputs: Tensor, expected: Tensor, tmp_path: Path
) -> None:
    state = {**network().state_dict()}
    state["6.bias"] = state["6.bias"] + 1e-2
    with pytest.raises(ExportError, match="not written"):
        write_safetensors(
            state, tmp_path / "w.safetensors", metadata={}, outputs_of=rebuilt(inputs), expected=expected
        )
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_and_a_place_that_cannot_be_written_are_the_users_mistakes(tmp_path: Path) -> None:
    damaged = tmp_path / "w.safetensors"
    damaged.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00nonsense")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_safetensors(damaged)
    outputs = torch.ones(3, 2)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_safetensors(
            {}, damaged / "below.safetensors", metadata={}, outputs_of=lambda *_: outputs, expected=outputs
        )


# the comparison and the description


def test_the_largest_difference_is_that_of_numpy(inputs: Tensor) -> None:
    outputs = inputs.flatten(1)
    changed = outputs + 1e-3 * torch.sin(torch.arange(outputs.numel()).view_as(outputs))
    found = compare_outputs(changed, outputs, 1e-3)
    exact = np.abs(changed.double().numpy() - outputs.double().numpy()).max()
    assert found.largest_difference == exact
    assert found.share == exact / np.abs(outputs.double().numpy()).max()
    assert found.holds
    assert not compare_outputs(changed, outputs, 1e-5).holds


def test_outputs_that_are_all_zero_or_of_another_shape_do_not_pass_for_equal() -> None:
    assert compare_outputs(torch.zeros(2, 3), torch.zeros(2, 3), 0.0).holds
    assert not compare_outputs(torch.full((2, 3), 1e-9), torch.zeros(2, 3), 0.5).holds
    with pytest.raises(ExportError, match="shape"):
        compare_outputs(torch.zeros(2, 3), torch.zeros(2, 1), 0.5)


def test_a_description_is_text_without_secrets_and_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "abcdefgh-secret")
    home = str(Path.home())
    digest = config_hash({})
    found = as_metadata(
        {
            "data": "cifar10 (JPEG copy)",
            "config": {"b": [f"{home}/x", "abcdefgh-secret"]},
            "config_sha256": digest,
        }
    )
    assert found["config_sha256"] == digest
    assert found["data"] == "cifar10 (JPEG copy)"
    assert found["config"] == '{"b": ["~/x", "[SOME_API_KEY removed]"]}'


def test_the_hash_of_a_configuration_changes_with_a_value_and_not_with_the_order() -> None:
    assert config_hash({"a": 1, "b": {"c": 2, "d": 3}}) == config_hash({"b": {"d": 3, "c": 2}, "a": 1})
    assert config_hash({"a": 1}) != config_hash({"a": 2})
