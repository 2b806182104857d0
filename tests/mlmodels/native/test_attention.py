"""Our causal attention as a function of autograd, against torch's, and inside the transformer of the eras."""

import pytest
import torch
from mlmodels.native import attention, products
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.presets import Phase
from torch import Tensor
from torch.nn import functional

needs_tiles = pytest.mark.skipif(not products.has_tiles(), reason="this processor has no tile registers")


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


@needs_tiles
@pytest.mark.parametrize("phase", ["phase_1", "phase_3", "phase_4", "phase_5"])
def test_an_era_in_bfloat16_has_the_loss_and_gradients_that_it_has_with_torchs_attention(
    phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = torch.randint(512, (2, 65), generator=torch.Generator().manual_seed(1))
    results = []
    for is_ours in (True, False):
        if not is_ours:
            module = "mlmodels.transformer_eras.attention.is_worthwhile"
            monkeypatch.setattr(module, lambda dtype, device: False)
        torch.manual_seed(2)
        model = EraTransformer(EraTransformerConfig(phase=phase, size="nano")).eval()
        for parameter in model.parameters():  # an output projection that begins at zero would hide attention
            parameter.data += 0.02 * torch.randn_like(parameter)
        with torch.autocast("cpu", torch.bfloat16):
            loss = functional.cross_entropy(
                model(tokens[:, :-1]).float().flatten(0, 1), tokens[:, 1:].flatten()
            )
        loss.backward()
        results.append((loss.detach(), torch.cat([p.grad.flatten() for p in model.parameters()])))
    (loss, gradient), (other_loss, other_gradient) = results
    assert float(loss) == pytest.approx(float(other_loss), abs=3e-3)
    assert not torch.equal(gradient, other_gradient), "both took the same attention"
    assert (gradient - other_gradient).norm() <= 0.03 * other_gradient.norm()
