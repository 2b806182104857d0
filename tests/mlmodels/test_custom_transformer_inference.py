"""Inference on weights in the compute dtype computes what the ops of training compute."""

from typing import Any

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.inference import InferenceModel
from mlmodels.custom_transformer.model import CustomTransformer
from torch import Tensor

OPTIONS = {
    "as_usual": {},
    "relu": {"activation": "relu"},
    "norms_without_weights": {"elementwise_affine": False},
    "head_without_bias": {"head_bias": False},
    "tied": {"tie_weights": True},
}


def make_model(dtype: str, **options: Any) -> CustomTransformer:
    config = CustomTransformerConfig(
        vocab_size=31, d_model=32, n_blocks=2, n_heads=4, d_ffn=48, max_seq_len=12, dtype=dtype, **options
    )
    model, generator = CustomTransformer(config).eval(), torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3, generator=generator)
    return model


def tokens() -> Tensor:
    return torch.randint(31, (3, 12), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("sizes", [[12], [1] * 12, [5, 1, 4, 2]])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_logits_are_those_of_the_ops(options: dict[str, Any], sizes: list[int]) -> None:
    model = make_model("float64", **options)
    inference, parts, start = InferenceModel(model), [], 0
    past = inference.new_cache(3)
    for size in sizes:
        parts.append(inference.logits(tokens()[:, start : start + size], past))
        start += size
    expected = model.logits(tokens())
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(inference.logits(tokens()), expected, rtol=0, atol=1e-12)


def test_in_bfloat16_they_are_as_near_to_the_exact_ones_as_those_of_the_ops() -> None:
    exact, model = make_model("float64"), make_model("bfloat16")
    model.load_state_dict(exact.state_dict())
    expected = exact.logits(tokens())
    ours, theirs = InferenceModel(model).logits(tokens()), model.logits(tokens())
    assert ours.dtype == theirs.dtype == torch.float32
    assert (ours - expected).norm() <= 1.1 * (theirs - expected).norm()


def test_weights_are_copied_only_where_the_dtypes_differ() -> None:
    for dtype, is_shared in (("float32", True), ("bfloat16", False)):
        model = make_model(dtype)
        inference = InferenceModel(model)
        before = inference.logits(tokens())
        with torch.no_grad():
            model.blocks[0].up.weight.mul_(2.0)
        assert torch.equal(inference.logits(tokens()), before) != is_shared


@pytest.mark.parametrize("wrong", [-1, 31])
def test_generation_refuses_a_token_that_is_not_in_the_vocabulary(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"token id {wrong} is not in the vocabulary: 0 … 30"):
        make_model("float32").generate(torch.tensor([[1, wrong]]), max_new_tokens=1)
