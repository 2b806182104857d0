"""Muon for matrices beside AdamW for the rest: against torch's two and exact singular values."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from mlcore.search.range_state import borrowed
from mlcore.trainer import LanguageModelTrainer, TrainingConfig
from mlcore.trainer.muon import Muon, orthogonalise
from mlcore.trainer.optimizer_set import OptimizerSet
from mlcore.trainer.optimizers import build_optimizer
from mlcore.trainer.parameter_roles import parameters_by_role
from pydantic import ValidationError
from torch import Tensor, nn

COMPANION = {"embedding_learning_rate": 0.03, "head_learning_rate": 0.002, "scalar_learning_rate": 0.01}
KEYS = {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}
CONFIG = TrainingConfig(optimizer="muon", muon_companion=COMPANION, **KEYS)


class Tiny(nn.Module):
    """One parameter of every role."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(13, 8)
        self.inner = nn.Linear(8, 24)
        self.outer = nn.Linear(24, 8, bias=False)
        self.head = nn.Linear(8, 13, bias=False)

    def parameter_roles(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {
            "matrices": [self.inner.weight, self.outer.weight],
            "embeddings": [self.embedding.weight],
            "head": [self.head.weight],
            "scalars": [self.inner.bias],
        }

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.embedding(tokens)
        return self.head(hidden + self.outer(self.inner(hidden).relu()))


def some_batches(number: int) -> list[tuple[Tensor, Tensor]]:
    tokens = torch.randint(13, (number, 4, 7), generator=torch.Generator().manual_seed(2))
    return [(batch[:, :-1], batch[:, 1:]) for batch in tokens]


def step(model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], batch: tuple[Tensor, Tensor]) -> None:
    for optimizer in optimizers:
        optimizer.zero_grad()
    nn.functional.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten()).backward()
    for optimizer in optimizers:
        optimizer.step()


def test_the_set_does_what_torchs_two_optimizers_do_side_by_side() -> None:
    mine, other = Tiny(), Tiny()
    roles = other.parameter_roles()
    adamw = [
        torch.optim.AdamW(roles[role], lr=rate, betas=(0.8, 0.95), eps=1e-10, weight_decay=0.0)
        for role, rate in (("embeddings", 0.03), ("head", 0.002), ("scalars", 0.01))
    ]
    muon = torch.optim.Muon(roles["matrices"], lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.05)
    built = build_optimizer(mine, CONFIG)
    for batch in some_batches(4):
        step(mine, [built], batch)
        step(other, [muon, *adamw], batch)
    # torch's Muon rounds every direction, of entries up to one, to bfloat16, whose unit is 2⁻⁸: four steps of 0.02.
    rounding = 4 * 0.02 * 2**-8
    for (name, one), two in zip(mine.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=3 * rounding, msg=name)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 5, 12), (1, 12, 5)])
def test_orthogonalising_keeps_the_singular_vectors_and_moves_the_values_as_the_polynomial_says(
    shape: tuple[int, ...],
) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    x = values / values.norm(dim=1, keepdim=True)
    for _ in range(5):
        x = 3.4445 * x - 4.775 * x**3 + 2.0315 * x**5
    expected = left @ torch.diag_embed(x) @ right
    torch.testing.assert_close(orthogonalise(matrices).double(), expected, rtol=0, atol=2e-4)


def test_products_in_bfloat16_follow_those_in_float32_within_its_rounding() -> None:
    matrices = torch.randn(2, 24, 40, generator=torch.Generator().manual_seed(3))
    rounded, exact = orthogonalise(matrices, torch.bfloat16), orthogonalise(matrices)
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - exact).norm() <= 0.03 * exact.norm()


@pytest.mark.filterwarnings("ignore:bf16 is emulated")
@pytest.mark.parametrize(("precision", "dtype"), [("off", torch.float32), ("bf16", torch.bfloat16)])
def test_the_products_are_made_in_the_dtype_of_the_training(precision: str, dtype: torch.dtype) -> None:
    built = build_optimizer(Tiny(), CONFIG.model_copy(update={"mixed_precision": precision}))
    (muon,) = (one for one in built.parts if isinstance(one, Muon))
    assert muon.dtype == dtype


def test_filters_move_like_the_matrix_of_their_outputs_and_all_else() -> None:
    torch.manual_seed(1)
    filters = nn.Parameter(torch.randn(6, 4, 3, 3).to(memory_format=torch.channels_last))
    matrix = nn.Parameter(filters.detach().flatten(1).clone())
    gradient = torch.randn(6, 4, 3, 3)
    for parameter, given in ((filters, gradient), (matrix, gradient.flatten(1))):
        optimizer = Muon([parameter], lr=0.1, weight_decay=0.1)
        for factor in (1, -2):
            parameter.grad = factor * given
            optimizer.step()
    torch.testing.assert_close(filters.detach().flatten(1), matrix.detach(), rtol=1e-5, atol=1e-6)


def test_a_vector_is_refused_and_a_matrix_without_gradient_stays_as_it_is() -> None:
    with pytest.raises(ValueError, match="for matrices"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)
    frozen, free = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    free.grad = torch.eye(2)
    Muon([frozen, free], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(frozen, torch.ones(2, 2))
    assert not torch.equal(free, torch.ones(2, 2))


def test_a_matrix_moves_by_nearly_orthogonal_directions_of_the_length_of_the_rate() -> None:
    model = Tiny()
    keys = {**KEYS, "weight_decay": 0.0, "momentum": 0.0, "nesterov": False}
    optimizer = build_optimizer(model, TrainingConfig(optimizer="muon", **keys))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    step(model, [optimizer], some_batches(1)[0])
    gradient = model.outer.weight.grad
    assert gradient is not None
    moved = (before["outer.weight"] - model.outer.weight.detach()) / 0.02
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    lengths = torch.diagonal(left.T @ moved @ right.T)
    assert bool(((lengths > 0.5) & (lengths < 1.5)).all()), lengths
    tall = (before["inner.weight"] - model.inner.weight.detach()) / 0.02
    assert float(torch.linalg.svdvals(tall).max()) == pytest.approx(3**0.5, rel=0.35)


def trained(steps: int, resume: dict | None = None) -> LanguageModelTrainer:
    schedule = {"type": "wsd", "warmup_steps": 2, "decay_fraction": 0.5, "shape": "linear"}
    config = CONFIG.model_copy(update={"steps": steps})
    config = TrainingConfig.model_validate({**config.model_dump(), "schedule": schedule, "eval_every": 50})
    trainer = LanguageModelTrainer(Tiny(), config, device="cpu")
    if resume is not None:
        trainer.resume(resume)
    trainer.train(some_batches(8))
    return trainer


def test_all_groups_follow_the_schedule_each_from_its_own_rate() -> None:
    groups = trained(8).updater.optimizer.param_groups
    shares = [group["lr"] / full for group, full in zip(groups, (0.02, 0.03, 0.002, 0.01), strict=True)]
    assert shares == pytest.approx([shares[0]] * 4)
    assert 0 < shares[0] < 0.5


def test_state_that_was_saved_and_loaded_makes_the_same_next_step(tmp_path: Path) -> None:
    model = Tiny()
    optimizer = build_optimizer(model, CONFIG)
    first, second = some_batches(2)
    step(model, [optimizer], first)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    step(model, [optimizer], second)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    again = Tiny()
    again.load_state_dict(state["model"])
    resumed = build_optimizer(again, CONFIG)
    resumed.load_state_dict(state["optimizer"])
    step(again, [resumed], second)
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_range_test_leaves_the_memory_of_every_part_as_it_was() -> None:
    trainer = trained(3)
    before = {
        p: {k: torch.as_tensor(v).clone() for k, v in m.items()}
        for p, m in trainer.updater.optimizer.state.items()
    }
    with borrowed(trainer, some_batches(1)):
        step(trainer.model, [trainer.updater.optimizer], some_batches(1)[0])
    after = trainer.updater.optimizer.state
    assert set(after) == set(before)
    for parameter, memory in before.items():
        for name, value in memory.items():
            assert torch.equal(torch.as_tensor(after[parameter][name]), value)


def test_a_model_that_says_nothing_is_sorted_by_its_layers() -> None:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Conv1d(4, 4, 3))
    roles = parameters_by_role(model)
    assert [len(roles[role]) for role in ("matrices", "embeddings", "head", "scalars")] == [2, 1, 0, 4]


def test_roles_that_leave_a_parameter_out_are_refused() -> None:
    class Forgetful(Tiny):
        def parameter_roles(self) -> Mapping[str, Sequence[nn.Parameter]]:
            return {"matrices": [self.inner.weight]}

    with pytest.raises(ValueError, match="every parameter exactly once"):
        build_optimizer(Forgetful(), CONFIG)


def test_no_parameter_has_two_optimizers() -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="two optimizers"):
        OptimizerSet(torch.optim.SGD([weight], lr=1.0), torch.optim.SGD([weight], lr=1.0))


def test_a_companion_without_muon_is_refused() -> None:
    with pytest.raises(ValidationError, match="muon_companion belongs to muon"):
        TrainingConfig(optimizer="adamw", muon_companion={"head_learning_rate": 0.1})
