"""No token sees what comes after it, to the last bit; and a KV cache changes nothing but the time."""

import pytest
import torch
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.presets import STYLES, Phase

SMALL = {"vocab_size": 61, "d_model": 40, "n_layers": 2, "n_heads": 10, "d_ffn": 48, "max_seq_len": 24}
PHASES = list(STYLES)


def lively(phase: Phase, **keys: object) -> EraTransformer:
    """A small model of the phase in which every parameter matters, zero-initialised ones too."""
    layers = {"value_embedding_layers": (0, 1)} if phase == "phase_5" else {}
    model = EraTransformer(EraTransformerConfig(phase=phase, **{**SMALL, **layers, **keys}))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter += 0.3 * noise if parameter.ndim < 2 else noise / parameter.shape[1] ** 0.5
    return model.eval()


def some_tokens(rows: int, length: int) -> torch.Tensor:
    return torch.randint(61, (rows, length), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("phase", PHASES)
def test_a_changed_token_changes_no_earlier_logit_by_a_single_bit(phase: Phase) -> None:
    model, tokens = lively(phase), some_tokens(2, 24)
    before = model.logits(tokens)
    for position in (1, 11, 23):
        changed = tokens.clone()
        changed[:, position:] = (changed[:, position:] + 7) % 61
        after = model.logits(changed)
        assert torch.equal(before[:, :position], after[:, :position])
        assert (before[:, position] != after[:, position]).any(dim=-1).all(), "it does see the token itself"


@pytest.mark.parametrize("phase", PHASES)
def test_every_position_up_to_its_own_reaches_a_logit_and_none_after_it(phase: Phase) -> None:
    model, tokens = lively(phase), some_tokens(1, 8)
    leaves = []

    def keep(module: object, inputs: object, output: torch.Tensor) -> torch.Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[-1]

    handle = model.token_embedding.register_forward_hook(keep)
    logits = model(tokens)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, 4].square().sum(), leaves[0])
    reach = gradient[0].abs().sum(dim=-1) > 0
    assert reach.tolist() == [True] * 5 + [False] * 3


@pytest.mark.parametrize("phase", PHASES)
def test_every_parameter_receives_a_gradient(phase: Phase) -> None:
    model, tokens = lively(phase), some_tokens(2, 24)
    model(tokens).square().mean().backward()
    # A key's bias adds the same to all scores of a query, which the softmax takes out again.
    silent = [
        name for name, p in model.named_parameters() if p.grad is None or float(p.grad.abs().max()) < 1e-9
    ]
    assert [name for name in silent if not name.endswith("attention.key.bias")] == []


@pytest.mark.parametrize("phase", PHASES)
def test_logits_from_a_cache_are_those_of_the_whole_text(phase: Phase, double: None) -> None:
    model, tokens = lively(phase), some_tokens(2, 24)
    whole, past = model.logits(tokens), model.new_cache(2)
    parts = [model.logits(part, past) for part in tokens.split([9, 1, 1, 5, 8], dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize("phase", PHASES)
def test_generation_with_a_cache_equals_that_without_also_where_the_window_slides(phase: Phase) -> None:
    model, tokens = lively(phase), some_tokens(2, 6)
    options = {
        "max_new_tokens": 24,
        "temperature": 0.9,
        "top_k": 20,
        "top_p": 0.95,
        "repetition_penalty": 1.1,
    }
    cached, plain = (model.generate(tokens, **options, seed=4, use_cache=c) for c in (True, False))
    assert torch.equal(cached, plain)
    assert cached.shape == (2, 30)
    window = cached[:, :24]
    past = model.new_cache(2)
    steps = torch.cat([model.logits(window[:, i : i + 1], past) for i in range(24)], dim=1)
    torch.testing.assert_close(steps, model.logits(window), rtol=0, atol=1e-5 * float(steps.abs().max()))


def test_grouped_queries_make_the_cache_five_times_smaller() -> None:
    measured = {}
    for phase in ("phase_3", "phase_4", "phase_5"):
        past = EraTransformer(EraTransformerConfig(phase=phase)).new_cache(3)
        tensors = [tensor for block in past for tensor in (block.keys_BMD, block.values_BMD)]
        measured[phase] = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert measured["phase_3"] == 5 * measured["phase_4"] == 5 * measured["phase_5"]


def test_more_tokens_than_the_model_has_positions_are_refused() -> None:
    with pytest.raises(ValueError, match="25 tokens, but max_seq_len is 24"):
        lively("phase_1").logits(some_tokens(1, 25))


def test_dropout_acts_in_training_and_never_in_inference() -> None:
    model, tokens = lively("phase_3").train(), some_tokens(1, 8)
    assert not torch.equal(model(tokens), model(tokens))
    assert torch.equal(model.logits(tokens), model.logits(tokens))
    assert model.training
