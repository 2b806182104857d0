"""Bugs are planted in the Triton kernels, and comparing with autograd must catch each one.

A mutation replaces one stretch of source that must occur exactly once; the file is loaded again from a copy.
"""

import importlib.util
from pathlib import Path

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.fast import path, triton_kernels
from mlmodels.custom_transformer.fast.path import FastPath
from mlmodels.custom_transformer.fast.triton_kernels import TritonKernels
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.twin import AutogradTransformer
from planted_bugs import Mutation

FOLDER = Path(triton_kernels.__file__).with_name("triton")
CONFIG = CustomTransformerConfig(
    vocab_size=11, d_model=6, n_blocks=1, n_heads=2, d_ffn=5, max_seq_len=7, dtype="float64"
)


MUTATIONS = [
    Mutation("the mean's term is dropped", "layer_norm", "- through_mean[:, None] - normed", "- normed"),
    Mutation("the variance's term is dropped", "layer_norm", " - normed * through_variance[:, None]", ""),
    Mutation("the stream is overwritten", "layer_norm", "before + change *", "change *"),
    Mutation("a weight's gradient is a bias's", "layer_norm", "dweights += dresult * normed", "dweights += dresult"),
    Mutation("padding counts in the variance", "layer_norm",
             "tl.where(inside, values - means[:, None], 0.0)", "values - means[:, None]"),
    Mutation("the density's term is dropped", "activation", "phi + values * density", "phi"),
    Mutation("the slope is not applied", "column_sums", "to_wide(values) * to_wide(slopes)", "to_wide(values)"),
    Mutation("sums are overwritten", "column_sums", "before + tl.sum(sums, axis=0)", "tl.sum(sums, axis=0)"),
    Mutation("smoothing is forgotten", "cross_entropy", "* scale - even, 0.0)", "* scale, 0.0)"),
    Mutation("the target's share is dropped", "cross_entropy", "(probabilities - true_share)", "probabilities"),
    Mutation("ignored targets have a gradient", "cross_entropy",
             "tl.where(counts, (prob", "tl.where(vocab_size > 0, (prob"),
    Mutation("the sum is not scaled anew", "cross_entropy", "total * tl.exp(largest - shift) +", "total +"),
]  # fmt: skip


def gradients_are_right(device: torch.device) -> bool:
    """Those of one batch, added to gradients of 1, against the twin's."""
    model, generator = CustomTransformer(CONFIG), torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    model.to(device)
    fast, twin = FastPath(model, TritonKernels(device, torch.float64)), AutogradTransformer(CONFIG).to(device)
    twin.load_state_dict(model.state_dict())
    for parameter in [*model.parameters(), *twin.parameters()]:
        parameter.grad = torch.ones_like(parameter)
    tokens, targets = torch.randint(0, CONFIG.vocab_size, (2, 1, 7), generator=generator).to(device)
    targets[0, ::5] = -100
    fast.loss_and_gradient(tokens, targets, 0.7, 0.1)
    with torch.enable_grad():
        (0.7 * twin.loss(tokens, targets, 0.1)).backward()
    for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
        assert ours.grad is not None
        assert expected.grad is not None
        if not (ours.grad - expected.grad).abs().max() <= 1e-9 * (1e-6 + expected.grad.abs().max()):
            return False
    return True


def plant(mutation: Mutation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (FOLDER / f"{mutation.source}.py").read_text(encoding="utf-8")
    file = tmp_path / f"mutated_{mutation.source}.py"
    file.write_text(mutation.applied_to(source), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "MAX_COLUMNS", 4, raising=False)
    monkeypatch.setattr(triton_kernels, mutation.source, module)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.bug)
def test_a_bug_in_a_triton_kernel_is_caught(
    mutation: Mutation, triton_device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path, "CHUNK_ROWS", 4)
    plant(mutation, tmp_path, monkeypatch)
    assert not gradients_are_right(triton_device), f"nothing noticed that {mutation.bug}"


@pytest.mark.parametrize("module", ["layer_norm", "cross_entropy"])
def test_the_unchanged_kernels_pass_the_same_check(
    module: str, triton_device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path, "CHUNK_ROWS", 4)
    plant(Mutation("nothing", module, "import torch\n", "import torch\n"), tmp_path, monkeypatch)
    assert gradients_are_right(triton_device)
