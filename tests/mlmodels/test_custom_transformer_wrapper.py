"""The wrapper of the original document: signatures, keys, statuses, checkpoints."""

import inspect
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mlmodels.custom_transformer import wrapper as wrapper_module
from mlmodels.custom_transformer.fast.native_kernels import NativeKernels
from mlmodels.custom_transformer.ops import layer_norm
from mlmodels.custom_transformer.twin import AutogradTransformer
from mlmodels.custom_transformer.wrapper import CustomTransformerWrapper, ModelCheckpointError, shift_labels
from torch import Tensor


def small(dtype: torch.dtype = torch.float32, **options: object) -> CustomTransformerWrapper:
    torch.manual_seed(0)
    return CustomTransformerWrapper(
        vocab_size=11, d_model=8, n_blocks=2, n_heads=2, d_ffn=12, max_seq_len=9, dtype=dtype, **options
    )


def tokens(rows: int = 3, length: int = 9) -> Tensor:
    return torch.randint(0, 11, (rows, length), generator=torch.Generator().manual_seed(2))


def weights(model: CustomTransformerWrapper) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def defaults(function: object) -> dict[str, object]:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def test_the_signatures_are_those_of_the_document() -> None:
    assert defaults(CustomTransformerWrapper.__init__) == {
        "vocab_size": 4096,
        "d_model": 256,
        "n_blocks": 4,
        "n_heads": 4,
        "d_ffn": 512,
        "max_seq_len": 256,
        "dtype": torch.bfloat16,
    }
    assert defaults(CustomTransformerWrapper.train_step) == {"learning_rate": 0.001, "max_grad_norm": 1.0}
    generate = defaults(CustomTransformerWrapper.generate)
    assert (generate["max_length"], generate["temperature"], generate["top_k"]) == (100, 0.8, 50)


def test_forward_returns_logits_and_the_loss_of_labels_shifted_once() -> None:
    model = small()
    output = model.forward(tokens(), labels=tokens())
    assert output.keys() == {"logits", "loss"}
    expected = F.cross_entropy(output["logits"][:, :-1].flatten(0, 1), tokens()[:, 1:].flatten())
    torch.testing.assert_close(output["loss"], expected)
    assert model.forward(tokens())["loss"] is None


def test_labels_of_minus_100_do_not_count() -> None:
    labels = tokens().clone()
    labels[:, :5] = -100
    output = small().forward(tokens(), labels=labels)
    expected = F.cross_entropy(output["logits"][:, 4:-1].flatten(0, 1), tokens()[:, 5:].flatten())
    torch.testing.assert_close(output["loss"], expected)


def test_shifting_labels_leaves_them_as_they_are() -> None:
    labels = torch.tensor([[1, 2, 3]])
    assert shift_labels(labels).tolist() == [[2, 3, -100]]
    assert labels.tolist() == [[1, 2, 3]]


def test_a_train_step_is_clipped_gradient_descent_as_autograd_does_it() -> None:
    model = small(torch.float64)
    twin = AutogradTransformer(model.config)
    twin.load_state_dict(model.model.state_dict())
    result = model.train_step(tokens(), tokens(), learning_rate=0.5, max_grad_norm=0.2)
    loss = twin.loss(tokens(), shift_labels(tokens()))
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(twin.parameters(), 0.2)
    torch.optim.SGD(twin.parameters(), lr=0.5).step()
    assert result.keys() == {"loss", "status", "grad_norm"}
    assert result["status"] == "ok"
    assert result["loss"] == pytest.approx(float(loss.detach()), rel=1e-12)
    assert result["grad_norm"] == pytest.approx(float(norm), rel=1e-12)
    assert float(norm) > 0.2, "the clipping must have had something to do"
    twins = dict(twin.named_parameters())
    for name, parameter in model.model.named_parameters():
        torch.testing.assert_close(parameter, twins[name].detach(), rtol=0, atol=1e-7, msg=name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_train_steps_lower_the_loss(dtype: torch.dtype) -> None:
    model = small(dtype)
    results = [model.train_step(tokens(), tokens(), learning_rate=0.5) for _ in range(60)]
    assert all(result["status"] == "ok" for result in results)
    assert all(type(result["loss"]) is type(result["grad_norm"]) is float for result in results)
    assert results[-1]["loss"] < 0.8 * results[0]["loss"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_skipped_bit_for_bit(bad: float) -> None:
    model = small()
    model.model.head.weight[3, 1] = bad
    before = weights(model)
    result = model.train_step(tokens(), tokens())
    assert result["status"] == "nan_detected"
    assert not math.isfinite(result["loss"])
    assert result.keys() == {"loss", "status", "grad_norm"}
    assert all(
        torch.equal(before[k].view(torch.int32), v.view(torch.int32)) for k, v in weights(model).items()
    )
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("kernels", ["reference", "fast"])
def test_a_gradient_that_is_not_finite_is_skipped_bit_for_bit(kernels: str, bad: float, monkeypatch) -> None:
    model = small(kernels=kernels)
    before = weights(model)
    original, fast_original = layer_norm.backward, NativeKernels.layer_norm_gradient

    def poisoned(dy: Tensor, cache: layer_norm.Cache) -> tuple[Tensor, Tensor | None, Tensor | None]:
        dx, dweight, dbias = original(dy, cache)
        dx[0, 0, 0] = bad
        return dx, dweight, dbias

    def fast_poisoned(own: NativeKernels, *tensors: Tensor) -> None:
        fast_original(own, *tensors)
        tensors[5][0, 0] = bad  # dx

    monkeypatch.setattr(layer_norm, "backward", poisoned)
    monkeypatch.setattr(NativeKernels, "layer_norm_gradient", fast_poisoned)
    result = model.train_step(tokens(), tokens())
    assert result["status"] == "nan_gradient"
    assert math.isfinite(result["loss"])
    assert not math.isfinite(result["grad_norm"])
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(model).items())
    monkeypatch.undo()
    assert model.train_step(tokens(), tokens())["status"] == "ok"
    assert not all(torch.equal(before[name], tensor) for name, tensor in weights(model).items())


@pytest.mark.parametrize(
    ("prompt_length", "max_length", "expected"), [(3, 8, 8), (3, 20, 20), (5, 5, 5), (6, 2, 6)]
)
def test_max_length_is_the_total_with_the_prompt(prompt_length: int, max_length: int, expected: int) -> None:
    prompt = tokens(2, prompt_length)
    generated = small().generate(prompt, max_length=max_length, seed=0)
    assert generated.shape == (2, expected)
    assert torch.equal(generated[:, :prompt_length], prompt)


def test_generate_with_temperature_zero_equals_the_models_own() -> None:
    model = small()
    expected = model.model.generate(tokens(2, 3), max_new_tokens=7, temperature=0.0)
    assert torch.equal(model.generate(tokens(2, 3), max_length=10, temperature=0.0), expected)


# --- checkpoints --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"tie_weights": True, "dropout": 0.1, "activation": "relu"}])
def test_a_checkpoint_restores_the_model_from_the_file_alone(tmp_path: Path, options: dict) -> None:
    model = small(**options)
    model.train_step(tokens(), tokens())
    model.save_checkpoint(tmp_path / "checkpoint.pt", epoch=5, train_loss=1.23)
    restored = CustomTransformerWrapper.from_checkpoint(tmp_path / "checkpoint.pt")
    assert restored.config == model.config
    assert torch.equal(restored.forward(tokens())["logits"], model.forward(tokens())["logits"])
    other = small(**options)
    assert other.load_checkpoint(str(tmp_path / "checkpoint.pt")) == {"epoch": 5, "train_loss": 1.23}
    assert all(torch.equal(weights(model)[name], tensor) for name, tensor in weights(other).items())
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_save_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "checkpoint.pt"
    model = small()
    model.save_checkpoint(path, epoch=1)
    before = path.read_bytes()

    def half(state: object, file) -> None:
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(wrapper_module.torch, "save", half)
    with pytest.raises(OSError, match="No space left"):
        model.save_checkpoint(path, epoch=2)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_of_other_dimensions_is_refused_by_name_and_changes_nothing(tmp_path: Path) -> None:
    CustomTransformerWrapper(
        vocab_size=12, d_model=8, n_blocks=2, n_heads=2, d_ffn=12, max_seq_len=9
    ).save_checkpoint(tmp_path / "other.pt")
    model = small()
    before = weights(model)
    with pytest.raises(ModelCheckpointError, match=r"the checkpoint has vocab_size 12 \(here 11\)"):
        model.load_checkpoint(tmp_path / "other.pt")
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(model).items())


def test_missing_damaged_and_foreign_files_give_one_line_and_exit_code_3(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    small().save_checkpoint(path)
    (tmp_path / "cut.pt").write_bytes(path.read_bytes()[:500])
    torch.save({"anything": 1}, tmp_path / "foreign.pt")
    state = torch.load(path, weights_only=True)
    torch.save(state | {"model_config": {"d_model": -1}}, tmp_path / "config.pt")
    del state["model"]["norm.bias"]
    torch.save(state, tmp_path / "incomplete.pt")
    for name in ("missing.pt", "cut.pt", "foreign.pt", "config.pt", "incomplete.pt"):
        with pytest.raises(ModelCheckpointError, match=name) as caught:
            CustomTransformerWrapper.from_checkpoint(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 3


def test_an_unusable_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match=r"torch\.float16 is not one of torch\.bfloat16"):
        small(torch.float16)
