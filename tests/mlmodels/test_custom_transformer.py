"""The hand-written transformer as a whole: counts, no autograd, causality, equality with the autograd
twin.
"""

import copy
import math

import pytest
import torch
from mlmodels.custom_transformer import optimizers
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.gradients import clip_gradients, gradient_norm
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.size import count_parameters
from mlmodels.custom_transformer.twin import AutogradTransformer
from mlmodels.gradient_checks.relative_error import relative_error
from pydantic import ValidationError
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

TINY = CustomTransformerConfig(
    vocab_size=11, d_model=8, n_blocks=2, n_heads=2, d_ffn=12, max_seq_len=7, dtype="float32"
)


def config(**changes: object) -> CustomTransformerConfig:
    return CustomTransformerConfig(**{**TINY.model_dump(), **changes})


def batch(seed: int = 0, rows: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 11, (rows, 8), generator=generator)
    return tokens[:, :-1], tokens[:, 1:]


def counting(seed: int, rows: int = 8) -> tuple[Tensor, Tensor]:
    """Sequences that count upwards. Learning random targets by heart instead is chaotic:
    a first difference of 4e-16 grew to 1e-8 within 300 steps, with AdamW and with SGD alike."""
    first = torch.randint(0, 11, (rows, 1), generator=torch.Generator().manual_seed(seed))
    tokens = (first + torch.arange(8)) % 11
    return tokens[:, :-1], tokens[:, 1:]


def model_and_twin(**changes: object) -> tuple[CustomTransformer, AutogradTransformer]:
    torch.manual_seed(0)
    model, twin = CustomTransformer(config(**changes)), AutogradTransformer(config(**changes))
    twin.load_state_dict(model.state_dict())
    return model, twin


@pytest.mark.parametrize(("vocab_size", "expected"), [(4096, 4_275_712), (50257, 27_956_305)])
def test_the_default_dimensions_have_exactly_the_published_number_of_parameters(
    vocab_size: int, expected: int
) -> None:
    with torch.device("meta"):
        model = CustomTransformer(CustomTransformerConfig(vocab_size=vocab_size))
    assert model.num_parameters() == expected
    assert count_parameters(model.config)["total"] == expected


@pytest.mark.parametrize(
    "changes", [{}, {"tie_weights": True}, {"head_bias": False}, {"elementwise_affine": False}]
)
def test_parameters_are_counted_from_the_config_as_they_are_built(changes: dict[str, object]) -> None:
    model = CustomTransformer(config(**changes))
    assert count_parameters(model.config)["total"] == model.num_parameters()
    assert model.num_parameters(non_embedding=True) == model.num_parameters() - 11 * 8 - 7 * 8


def test_flops_per_token_are_those_that_torch_counts() -> None:
    with torch.device("meta"):
        model = CustomTransformer(config(n_blocks=3, d_ffn=20))
        tokens = torch.zeros(2, 7, dtype=torch.int64)
        with FlopCounterMode(display=False) as counter:
            model(tokens)
            model.backward(torch.zeros(2, 7, 11))
    assert counter.get_total_flops() == model.flops_per_token(7) * 14


def test_the_starting_weights_follow_the_scheme() -> None:
    model = CustomTransformer(config(d_model=128, d_ffn=256, n_heads=4))
    block = model.blocks[0]
    assert float(block.qkv.weight.std()) == pytest.approx(0.02, rel=0.03)
    assert float(block.project.weight.std()) == pytest.approx(0.02 / math.sqrt(4), rel=0.03)
    assert float(block.down.weight.std()) == pytest.approx(0.02 / math.sqrt(4), rel=0.03)
    assert not block.up.bias.any()
    assert bool((model.norm.weight == 1.0).all())


def test_starting_weights_are_a_function_of_the_generator() -> None:
    model = CustomTransformer(TINY)
    model.init_weights(torch.Generator().manual_seed(1))
    first = copy.deepcopy(model.state_dict())
    model.init_weights(torch.Generator().manual_seed(2))
    assert not torch.equal(first["head.weight"], model.head.weight)
    model.init_weights(torch.Generator().manual_seed(1))
    assert all(torch.equal(first[name], tensor) for name, tensor in model.state_dict().items())


def test_a_fresh_model_knows_nothing_and_says_so() -> None:
    loss, count = CustomTransformer(TINY).loss(*batch(rows=50))
    assert count == 350
    assert float(loss) == pytest.approx(math.log(11), abs=0.02)


# --- no autograd
# --------------------------------------------------------------------------------------------------


class _NoGraph(TorchDispatchMode):
    """Looks at the result of every single operation and counts those that autograd would differentiate."""

    def __init__(self) -> None:
        super().__init__()
        self.num_seen = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, Tensor):
                self.num_seen += 1
                assert tensor.grad_fn is None
                assert not tensor.requires_grad
        return result


def test_training_never_enters_autograd_even_with_gradients_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("autograd was entered")

    for name in ("torch.autograd.backward", "torch.autograd.grad", "torch.Tensor.backward"):
        monkeypatch.setattr(name, refuse)
    monkeypatch.setattr("torch.autograd.graph._engine_run_backward", refuse)
    model = CustomTransformer(config(dropout=0.1)).train()
    optimizer = optimizers.AdamW(model.parameters(), lr=1e-2)
    tokens, targets = batch()
    with torch.enable_grad(), _NoGraph() as watcher:
        for _ in range(3):
            model.zero_gradients()
            model.loss_and_gradient(tokens, targets)
            clip_gradients(model.parameters(), 1.0)
            optimizer.step()
        logits = model(tokens)
        model.backward(torch.ones_like(logits))
        model.update_parameters(0.1)
    assert watcher.num_seen > 1000
    for tensor in [logits, *model.parameters(), *(p.grad for p in model.parameters())]:
        assert tensor is not None
        assert tensor.grad_fn is None
        assert not tensor.requires_grad


def test_training_under_inference_mode_gives_the_same_bits() -> None:
    tokens, targets = batch()
    plain = CustomTransformer(TINY)
    inferred = copy.deepcopy(plain)
    for _ in range(3):
        plain.zero_gradients()
        plain.loss_and_gradient(tokens, targets)
        plain.update_parameters(0.1)
    with torch.inference_mode():
        for _ in range(3):
            inferred.zero_gradients()
            inferred.loss_and_gradient(tokens, targets)
            inferred.update_parameters(0.1)
    for one, two in zip(plain.parameters(), inferred.parameters(), strict=True):
        assert torch.equal(one, two)


# --- the interface
# ------------------------------------------------------------------------------------------------


def test_forward_backward_update_is_one_step_of_plain_gradient_descent() -> None:
    model, twin = model_and_twin(dtype="float64")
    tokens, targets = batch()
    logits = model(tokens)
    leaf = logits.clone().requires_grad_()
    torch.nn.functional.cross_entropy(leaf.flatten(0, 1), targets.flatten()).backward()
    model.backward(leaf.grad)
    model.update_parameters(0.3)
    sgd = torch.optim.SGD(twin.parameters(), lr=0.3)
    twin.loss(tokens, targets).backward()
    sgd.step()
    for (name, one), (_, two) in zip(model.named_parameters(), twin.named_parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-14, msg=name)


def test_backward_without_a_forward_or_twice_is_refused() -> None:
    model = CustomTransformer(TINY)
    tokens, _ = batch()
    with pytest.raises(RuntimeError, match="needs a forward"):
        model.backward(torch.zeros(4, 7, 11))
    logits = model(tokens)
    model.backward(torch.ones_like(logits))
    with pytest.raises(RuntimeError, match="each forward\\(\\) serves one"):
        model.backward(torch.ones_like(logits))


def test_gradients_add_up_until_they_are_zeroed() -> None:
    model = CustomTransformer(TINY)
    model.loss_and_gradient(*batch())
    once = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.loss_and_gradient(*batch())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, 2 * once[name])
    model.zero_gradients()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_split_batches_with_uneven_padding_accumulate_to_the_whole() -> None:
    model, _ = model_and_twin(dtype="float64")
    tokens, targets = batch(rows=6)
    targets = targets.clone()
    targets[0, 1:], targets[3, 4:], targets[5] = -100, -100, -100
    whole_loss, whole_count = model.loss_and_gradient(tokens, targets)
    whole = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_gradients()
    parts = [slice(0, 1), slice(1, 4), slice(4, 5), slice(5, 6)]
    counts = [int((targets[part] != -100).sum()) for part in parts]
    total = 0.0
    for part, count in zip(parts, counts, strict=True):
        loss, counted = model.loss_and_gradient(tokens[part], targets[part], scale=count / whole_count)
        assert counted == count
        total += float(loss) * count / whole_count
    assert total == pytest.approx(float(whole_loss), rel=1e-12)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, whole[name], rtol=1e-9, atol=1e-15, msg=name)


def test_the_returned_loss_is_not_scaled() -> None:
    model = CustomTransformer(TINY)
    loss, _ = model.loss_and_gradient(*batch())
    scaled, _ = model.loss_and_gradient(*batch(), scale=0.125)
    assert float(loss) == float(scaled)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("tied", [False, True])
def test_loss_and_logits_equal_the_twins(tied: bool, smoothing: float) -> None:
    model, twin = model_and_twin(dtype="float64", tie_weights=tied)
    tokens, targets = batch()
    torch.testing.assert_close(model(tokens), twin(tokens), rtol=0, atol=1e-13)
    loss, _ = model.loss_and_gradient(tokens, targets, label_smoothing=smoothing)
    torch.testing.assert_close(loss, twin.loss(tokens, targets, smoothing), rtol=0, atol=1e-13)


def test_state_dicts_go_both_ways() -> None:
    for tied in (False, True):
        model, twin = model_and_twin(tie_weights=tied)
        assert [name for name, _ in model.named_parameters()] == [name for name, _ in twin.named_parameters()]
        twin.init_weights()
        model.load_state_dict(twin.state_dict())
        assert torch.equal(model.head.weight, twin.head.weight)
        assert (model.head.weight is model.token_embedding.weight) == tied


def test_logits_equal_forward_in_eval_and_keep_nothing() -> None:
    model = CustomTransformer(config(dropout=0.5))
    tokens, _ = batch()
    inferred = model.logits(tokens)
    with pytest.raises(RuntimeError):
        model.backward(inferred)
    assert not torch.equal(model.train()(tokens), inferred)
    assert torch.equal(model.eval()(tokens), inferred)


def test_dropout_masks_come_from_the_given_generator() -> None:
    model = CustomTransformer(config(dropout=0.5)).train()
    tokens, _ = batch()
    first, second, other = (model(tokens, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (torch.zeros(2, 8, dtype=torch.int64), "8 tokens are longer than max_seq_len 7"),
        (torch.tensor([[0, 11]]), "token id 11 is not in the vocabulary: 0 … 10"),
        (torch.tensor([[0, -1]]), "token id -1"),
        (torch.zeros(2, 3), r"integers of shape \(batch, time\), not torch.float32"),
        (torch.zeros(3, dtype=torch.int64), "integers of shape"),
    ],
)
def test_wrong_tokens_are_refused_with_the_offending_value(tokens: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CustomTransformer(TINY)(tokens)


def test_wrong_targets_are_refused() -> None:
    tokens, targets = batch()
    with pytest.raises(ValueError, match="target id 11"):
        CustomTransformer(TINY).loss_and_gradient(tokens, targets + 11 - targets)
    with pytest.raises(ValueError, match=r"targets \(4, 6\) for tokens \(4, 7\)"):
        CustomTransformer(TINY).loss_and_gradient(tokens, targets[:, :-1])


# --- causality
# ----------------------------------------------------------------------------------------------------


def test_changing_later_tokens_changes_no_earlier_logit_by_a_single_bit_in_1000_cases() -> None:
    model = CustomTransformer(config(n_heads=4)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.5)
    generator = torch.Generator().manual_seed(5)
    for _ in range(1000):
        length = int(torch.randint(2, 8, (), generator=generator))
        cut = int(torch.randint(1, length, (), generator=generator))
        tokens = torch.randint(0, 11, (1, length), generator=generator)
        changed = tokens.clone()
        changed[:, cut:] = (
            tokens[:, cut:] + torch.randint(1, 11, (1, length - cut), generator=generator)
        ) % 11
        before, after = model.logits(tokens), model.logits(changed)
        assert torch.equal(before[:, :cut], after[:, :cut])
        assert not torch.equal(before[:, cut:], after[:, cut:])


# --- training
# -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "num_steps", "tolerance"), [("float64", 500, 1e-8), ("float32", 100, 1e-4)]
)
@pytest.mark.parametrize("tied", [False, True])
def test_the_loss_series_equals_the_autograd_twins(
    tied: bool, dtype: str, num_steps: int, tolerance: float
) -> None:
    model, twin = model_and_twin(dtype=dtype, tie_weights=tied)
    by_hand = optimizers.AdamW(model.parameters(), lr=1e-3)
    by_autograd = optimizers.AdamW(twin.parameters(), lr=1e-3)
    losses = []
    for step in range(num_steps):
        tokens, targets = counting(seed=step)
        model.zero_gradients()
        loss, _ = model.loss_and_gradient(tokens, targets)
        by_hand.step()
        by_autograd.zero_grad()
        twin_loss = twin.loss(tokens, targets)
        twin_loss.backward()
        by_autograd.step()
        losses.append(float(loss))
        assert abs(float(loss) - float(twin_loss.detach())) <= tolerance, step
    assert losses[-1] < 0.95 * losses[0]


def test_it_learns_one_batch_by_heart_in_float32() -> None:
    torch.manual_seed(1)
    model = CustomTransformer(config(d_model=16, d_ffn=32))
    optimizer = optimizers.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    tokens, targets = batch(rows=2)
    for _ in range(150):
        model.zero_gradients()
        model.loss_and_gradient(tokens, targets)
        optimizer.step()
    loss, _ = model.loss(tokens, targets)
    assert float(loss) < 0.02


def test_bfloat16_keeps_float32_parameters_gradients_and_loss_and_follows_float32() -> None:
    narrow, _ = model_and_twin(dtype="bfloat16")
    wide, _ = model_and_twin(dtype="float32")
    for _ in range(10):
        tokens, targets = batch()
        losses = []
        for model in (narrow, wide):
            model.zero_gradients()
            loss, _ = model.loss_and_gradient(tokens, targets)
            model.update_parameters(0.5)
            losses.append(loss)
        assert abs(float(losses[0]) - float(losses[1])) < 0.01
    assert losses[0].dtype == torch.float32
    assert narrow.logits(tokens).dtype == torch.float32
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in narrow.parameters())


@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm_with_and_without_affine_trains(affine: bool) -> None:
    model, twin = model_and_twin(elementwise_affine=affine, dtype="float64")
    tokens, targets = batch()
    first, _ = model.loss_and_gradient(tokens, targets)
    twin.loss(tokens, targets).backward()
    for (name, one), (_, two) in zip(model.named_parameters(), twin.named_parameters(), strict=True):
        assert relative_error(one.grad, two.grad) < 1e-9, name
    for _ in range(100):
        model.update_parameters(0.5)
        model.zero_gradients()
        last, _ = model.loss_and_gradient(tokens, targets)
    assert float(last) < 0.8 * float(first)


def test_clipping_equals_torchs() -> None:
    model, twin = model_and_twin(dtype="float64")
    tokens, targets = batch()
    model.loss_and_gradient(tokens, targets)
    twin.loss(tokens, targets).backward()
    expected = float(torch.nn.utils.clip_grad_norm_(twin.parameters(), 0.1))
    assert clip_gradients(model.parameters(), 0.1) == pytest.approx(expected, rel=1e-12)
    assert gradient_norm(model.parameters()) == pytest.approx(0.1, rel=1e-12)
    for one, two in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-4, atol=1e-15)
    assert clip_gradients(model.parameters(), 5.0) == pytest.approx(0.1, rel=1e-12)
    assert clip_gradients(model.parameters(), None) == pytest.approx(0.1, rel=1e-12)


# --- config
# -------------------------------------------------------------------------------------------------------


def test_heads_that_do_not_divide_the_width_are_refused_with_the_nearest_that_do() -> None:
    with pytest.raises(ValidationError, match="n_heads 7 does not divide d_model 256; nearest that does: 8"):
        CustomTransformerConfig(n_heads=7)


@pytest.mark.parametrize("bad", [{"dropout": 1.0}, {"n_blocks": 0}, {"dtype": "float16"}, {"n_layers": 2}])
def test_impossible_values_and_unknown_keys_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CustomTransformerConfig(**bad)
