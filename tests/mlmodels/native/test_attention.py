"""Our causal attention as a function of autograd, against torch's, and inside the transformer of the eras."""

import pytest
import torch
from mlmodels.native import attention, products
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.presets import Phase
from torch import Tensor
from torch.nn import functional

needs_library = pytest.mark.skipif(not products.is_compiled(), reason="there is no compiler here")


def heads(dtype: torch.dtype) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(2, 3, 37, 8, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
        for _ in range(3)
    )


def test_outputs_and_gradients_are_torchs() -> None:
    ours, theirs = heads(torch.float64), heads(torch.float64)
    found = attention.causal_attention(*ours, torch.float64)
    expected = functional.scaled_dot_product_attention(*theirs, is_causal=True).transpose(1, 2).flatten(2)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weights = torch.linspace(-1, 1, found.numel(), dtype=torch.float64).view_as(found)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-12)


def test_a_gradient_that_does_not_lie_side_by_side_is_taken_too() -> None:
    ours = heads(torch.float64)
    found = attention.causal_attention(*ours, torch.float64)
    found.transpose(1, 2).backward(torch.ones(2, 24, 37, dtype=torch.float64))
    assert ours[2].grad is not None
    # every weight's row sums to one: the values' gradients add up to as many ones as there are queries
    assert float(ours[2].grad.sum()) == pytest.approx(found.numel())


def test_it_is_never_chosen_where_torchs_is_as_fast() -> None:
    assert not attention.is_worthwhile(torch.float32, torch.device("cpu"))
    assert not attention.is_worthwhile(torch.bfloat16, torch.device("meta"))


def loss_and_gradient(phase: Phase, dtype: torch.dtype) -> tuple[float, Tensor]:
    tokens = torch.randint(512, (2, 65), generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    model = EraTransformer(EraTransformerConfig(phase=phase, size="nano")).eval()
    for parameter in model.parameters():  # an output projection that begins at zero would hide attention
        parameter.data += 0.02 * torch.randn_like(parameter)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        logits = model(tokens[:, :-1]).float()
    loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    loss.backward()
    return float(loss.detach()), torch.cat(
        [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    )


@needs_library
@pytest.mark.parametrize("phase", ["phase_1", "phase_3", "phase_4", "phase_5"])
def test_an_era_in_bfloat16_is_as_near_to_float32_as_with_torchs_attention(
    phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact_loss, exact = loss_and_gradient(phase, torch.float32)
    loss, ours = loss_and_gradient(phase, torch.bfloat16)
    module = "mlmodels.transformer_eras.attention.is_worthwhile"
    monkeypatch.setattr(module, lambda dtype, device: False)
    _, torchs = loss_and_gradient(phase, torch.bfloat16)
    assert loss == pytest.approx(exact_loss, abs=3e-3)
    assert not torch.equal(ours, torchs), "both took the same attention"
    assert (ours - exact).norm() <= 1.2 * (torchs - exact).norm()
