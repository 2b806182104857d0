"""Functional tests of the wrapper, by the original document: it trains, it recovers, it saves, it writes text."""

import math
from pathlib import Path

import pytest
import torch
from mlmodels.custom_transformer import CustomTransformerWrapper

VOCABULARY = 37


def small_model(seed: int = 0, dtype: torch.dtype = torch.float32) -> CustomTransformerWrapper:
    torch.manual_seed(seed)
    return CustomTransformerWrapper(
        vocab_size=VOCABULARY, d_model=32, n_blocks=2, n_heads=4, d_ffn=64, max_seq_len=24, dtype=dtype
    )


def random_tokens(seed: int = 1, batch: int = 8, length: int = 16) -> torch.Tensor:
    return torch.randint(0, VOCABULARY, (batch, length), generator=torch.Generator().manual_seed(seed))


def counting_tokens(batch: int = 16, length: int = 16) -> torch.Tensor:
    """Rows that count upwards from different beginnings: a rule that can be learnt."""
    return (torch.arange(batch)[:, None] + torch.arange(length)[None]) % VOCABULARY


def parameters_of(model: CustomTransformerWrapper) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in model.state_dict().values()]


def test_loss_of_one_batch_falls_below_a_tenth_of_chance() -> None:
    model, tokens = small_model(), random_tokens()
    losses = [model.train_step(tokens, tokens, learning_rate=0.5)["loss"] for _ in range(400)]
    assert losses[0] == pytest.approx(math.log(VOCABULARY), abs=0.3)
    assert losses[-1] < 0.1 * math.log(VOCABULARY)


def test_loss_falls_on_batches_that_were_never_seen() -> None:
    model = small_model()
    held_out = counting_tokens()[8:]
    before = model.forward(held_out, labels=held_out)["loss"].item()
    for step in range(200):
        rows = (counting_tokens() + step) % VOCABULARY
        model.train_step(rows[:8], rows[:8], learning_rate=0.3)
    assert model.forward(held_out, labels=held_out)["loss"].item() < 0.5 * before


def test_train_step_returns_exactly_the_agreed_keys() -> None:
    tokens = random_tokens()
    result = small_model().train_step(tokens, tokens)
    assert set(result) == {"loss", "status", "grad_norm"}
    assert result["status"] == "ok"
    assert isinstance(result["loss"], float)
    assert isinstance(result["grad_norm"], float)
    assert result["grad_norm"] > 0


def test_forward_with_labels_returns_a_loss_near_chance_before_training() -> None:
    tokens = random_tokens(batch=32)
    outputs = small_model().forward(tokens, labels=tokens)
    assert outputs["logits"].shape == (32, 16, VOCABULARY)
    assert outputs["loss"].item() == pytest.approx(math.log(VOCABULARY), abs=0.2)


def test_ignored_labels_count_for_nothing() -> None:
    model, tokens = small_model(), random_tokens(batch=2)
    labels = tokens.clone()
    labels[1] = -100
    alone = model.forward(tokens[:1], labels=tokens[:1])["loss"]
    assert torch.allclose(model.forward(tokens, labels=labels)["loss"], alone, atol=1e-6)


@pytest.mark.parametrize(("poison", "status"), [("weights", "nan_detected"), ("gradient", "nan_gradient")])
def test_a_step_that_is_not_finite_changes_no_parameter(poison: str, status: str) -> None:
    model, tokens = small_model(), random_tokens()
    if poison == "weights":
        model.model.head.weight.fill_(float("nan"))
    else:  # every activation and the loss stay finite, the gradient of `down` does not: 1e35 times 1e9
        model.model.norm.weight.fill_(1e36)
        model.model.blocks[0].norm_2.weight.fill_(1e10)
        model.model.blocks[0].down.weight.mul_(1e-12)
    before = parameters_of(model)
    result = model.train_step(tokens, tokens, learning_rate=1.0)
    assert result["status"] == status
    for old, new in zip(before, parameters_of(model), strict=True):
        assert torch.equal(old.nan_to_num(), new.nan_to_num())


def test_clipping_bounds_the_update_and_reports_the_norm_before_it() -> None:
    tokens = random_tokens()
    free, clipped = small_model(), small_model()
    before = torch.cat([tensor.flatten() for tensor in parameters_of(clipped)])
    norm = free.train_step(tokens, tokens, learning_rate=0.1, max_grad_norm=1e9)["grad_norm"]
    result = clipped.train_step(tokens, tokens, learning_rate=0.1, max_grad_norm=0.01)
    moved = (torch.cat([tensor.flatten() for tensor in parameters_of(clipped)]) - before).norm().item()
    assert result["grad_norm"] == pytest.approx(norm, rel=1e-5)
    assert norm > 0.01
    assert moved == pytest.approx(0.1 * 0.01, rel=1e-3)


def test_the_same_seed_gives_the_same_losses_and_another_seed_others() -> None:
    tokens = random_tokens()

    def losses(seed: int) -> list[float]:
        model = small_model(seed)
        return [model.train_step(tokens, tokens, learning_rate=0.1)["loss"] for _ in range(5)]

    assert losses(3) == losses(3)
    assert losses(3) != losses(4)


def test_a_checkpoint_restores_the_model_and_its_dimensions(tmp_path: Path) -> None:
    model, tokens = small_model(), random_tokens()
    model.train_step(tokens, tokens, learning_rate=0.1)
    path = tmp_path / "checkpoint.pt"
    model.save_checkpoint(path, epoch=5, train_loss=1.23)
    restored = CustomTransformerWrapper.from_checkpoint(path)
    assert torch.equal(restored.forward(tokens)["logits"], model.forward(tokens)["logits"])
    other = small_model(seed=9)
    other.load_checkpoint(path)
    assert torch.equal(other.forward(tokens)["logits"], model.forward(tokens)["logits"])


def test_generation_continues_the_rule_that_was_learnt() -> None:
    model = small_model()
    for step in range(300):
        rows = (counting_tokens() + step) % VOCABULARY
        model.train_step(rows, rows, learning_rate=0.3)
    prompt = counting_tokens(batch=1, length=8)
    generated = model.generate(prompt, max_length=14, temperature=0.0)
    assert generated.shape == (1, 14), "max_length is the total length, prompt included"
    assert generated[0].tolist() == list(range(14))


def test_bfloat16_is_the_default_and_learns_too() -> None:
    tokens = random_tokens(batch=2, length=6)
    model = CustomTransformerWrapper(
        vocab_size=VOCABULARY, d_model=16, n_blocks=1, n_heads=2, d_ffn=32, max_seq_len=8
    )
    losses = [model.train_step(tokens, tokens, learning_rate=0.5)["loss"] for _ in range(60)]
    assert model.model.dtype == torch.bfloat16
    assert losses[-1] < 0.5 * losses[0]


def test_no_tensor_of_training_belongs_to_autograd() -> None:
    model, tokens = small_model(), random_tokens()
    with torch.enable_grad():
        outputs = model.forward(tokens, labels=tokens)
        model.train_step(tokens, tokens)
    assert outputs["loss"].grad_fn is None
    assert outputs["logits"].grad_fn is None
    assert not any(tensor.requires_grad for tensor in model.state_dict().values())
