"""Bugs are planted in the fast path, in its C++ and in its Python, and comparing with autograd must catch each one.

A mutation replaces one stretch of source that must occur exactly once; the kernels are compiled again, the modules
executed again.
"""

import shutil
from importlib import import_module
from pathlib import Path

import mlmodels
import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.fast import block, native_kernels, path
from mlmodels.custom_transformer.fast.native_kernels import NativeKernels
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.twin import AutogradTransformer
from mlmodels.native import attention as native_attention
from planted_bugs import Mutation

PACKAGE = Path(mlmodels.__file__).parent
FAST = "custom_transformer/fast"
CONFIG = CustomTransformerConfig(
    vocab_size=31,
    d_model=24,
    n_blocks=2,
    n_heads=2,
    d_ffn=20,
    max_seq_len=100,  # more than the 96 queries that AVX-512 takes at a time
    dtype="float64",
    kernels="fast",
)


KERNEL_MUTATIONS = [
    Mutation(
        "the mean's term is dropped", f"{FAST}/native/layer_norm.h", "(g - mean_g - normed", "(g - normed"
    ),
    Mutation(
        "the variance's term is dropped", f"{FAST}/native/layer_norm.h", " - normed * mean_product)", ")"
    ),
    Mutation("the stream is overwritten", f"{FAST}/native/layer_norm.h", "dxn[d] += (g", "dxn[d] = (g"),
    Mutation(
        "a weight's gradient forgets the mean",
        f"{FAST}/native/layer_norm.h",
        "part_dweight[d] += to_real(dyn[d]) * ((xn[d] - m) * r);",
        "part_dweight[d] += to_real(dyn[d]) * (xn[d] * r);",
    ),
    Mutation(
        "the density's term is dropped", f"{FAST}/native/activation.h", "(phi + value * density)", "(phi)"
    ),
    Mutation("the slope is not applied", f"{FAST}/native/activation.h", "* to_real(by[j]));", "* 1);"),
    Mutation(
        "a column's sum is lost",
        f"{FAST}/native/activation.h",
        "for (int part = 0; part < parts; part++)\n    for (long j = 0; j < columns; j++) sum[j]",
        "for (int part = 1; part < parts; part++)\n    for (long j = 0; j < columns; j++) sum[j]",
    ),
    Mutation(
        "the scale is missing in backward",
        "native/attention.h",
        "(drow[j] - delta) * scale;",
        "(drow[j] - delta);",
    ),
    Mutation(
        "the row's sum is not subtracted",
        "native/attention.h",
        "(drow[j] - delta) * scale;",
        "drow[j] * scale;",
    ),
    Mutation(
        "a query sees one position too many",
        "native/attention.h",
        "std::fill(row + first + r + 1, row + width,",
        "std::fill(row + std::min(first + r + 2, width), row + width,",
    ),
    Mutation(
        "the future keeps its gradient",
        "native/attention.h",
        "std::fill(drow + first + r + 1, drow + stride, Real(0));",
        "",
    ),
    Mutation(
        "keys and values are exchanged",
        "native/attention.h",
        "write_rows(w.dk, dbase + width, row",
        "write_rows(w.dv, dbase + width, row",
    ),
    Mutation(
        "only the last block of queries counts",
        "native/attention.h",
        "w.dv, size, seen, size, rows, true);",
        "w.dv, size, seen, size, rows, false);",
    ),
    Mutation(
        "smoothing is forgotten",
        f"{FAST}/native/cross_entropy.h",
        "from(e * share - even);",
        "from(e * share);",
    ),
    Mutation(
        "the target's share is dropped",
        f"{FAST}/native/cross_entropy.h",
        "(probability - (1 - smoothing))",
        "(probability)",
    ),
    Mutation(
        "ignored targets keep their logits",
        f"{FAST}/native/cross_entropy.h",
        "v++) z[v] = Stored_as<Stored>::from(Real(0));",
        "v++) z[v] = z[v];",
    ),
]

MODULE_MUTATIONS = [
    Mutation(
        "a bias gets no gradient", f"{FAST}/block.py", "self.kernels.column_sums(dy_wide, sums_O)", "pass"
    ),
    Mutation(
        "the stream skips the attention branch",
        f"{FAST}/block.py",
        "b.project.bias, middle_ND, add=True)",
        "b.project.bias, middle_ND)",
    ),
    Mutation(
        "the feed-forward norm's gradient is dropped",
        f"{FAST}/block.py",
        "self._norm_gradient(\n            b.norm_2",
        "(lambda *_: None)(\n            b.norm_2",
    ),
    Mutation(
        "a weight's gradient is overwritten", f"{FAST}/block.py", "gradient, add=add)", "gradient, add=False)"
    ),
    Mutation("the blocks run forwards in backward", f"{FAST}/path.py", "in reversed(range(", "in (range("),
    Mutation(
        "the head forgets all chunks but the last",
        f"{FAST}/path.py",
        "normed_CD, gradient, add=add)",
        "normed_CD, gradient, add=False)",
    ),
    Mutation(
        "a tied table gets the head's gradient only",
        f"{FAST}/path.py",
        "table.index_add_(0, tokens_BT.reshape(-1), dx_ND)",
        "pass",
    ),
    Mutation(
        "only the first sequence moves the positions",
        f"{FAST}/path.py",
        ".sum(dim=0)\n        table",
        "[0]\n        table",
    ),
    Mutation(
        "the loss is not divided by the count",
        f"{FAST}/path.py",
        "(scale or 0.0) / max(1, num_counted), max",
        "(scale or 0.0), max",
    ),
]


def gradients_are_right() -> bool:
    """Of two accumulated batches, tied and untied, against the twin."""
    for tie in (False, True):
        config = CONFIG.model_copy(update={"tie_weights": tie})
        model, generator = CustomTransformer(config), torch.Generator().manual_seed(1)
        for parameter in model.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        twin = AutogradTransformer(config)
        twin.load_state_dict(model.state_dict())
        for _ in range(2):
            tokens, targets = torch.randint(0, 31, (2, 3, 99), generator=generator)
            targets[0, ::5] = -100
            model.loss_and_gradient(tokens, targets, 0.7, label_smoothing=0.1)
            with torch.enable_grad():
                (0.7 * twin.loss(tokens, targets, 0.1)).backward()
        for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
            if ours.grad is None or expected.grad is None:
                return False
            if not (ours.grad - expected.grad).abs().max() <= 1e-9 * (1e-6 + expected.grad.abs().max()):
                return False
    return True


def mutated(mutation: Mutation) -> str:
    assert mutation.new != mutation.old
    return mutation.applied_to((PACKAGE / mutation.source).read_text(encoding="utf-8"))


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path, "CHUNK_ROWS", 50)


@pytest.mark.parametrize("mutation", KERNEL_MUTATIONS, ids=lambda mutation: mutation.bug)
def test_a_bug_in_a_kernel_is_caught(
    mutation: Mutation, tmp_path: Path, short_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("native", f"{FAST}/native"):
        shutil.copytree(PACKAGE / folder, tmp_path / folder)
    (tmp_path / mutation.source).write_text(mutated(mutation), encoding="utf-8")
    user = native_attention if mutation.source.startswith("native/") else native_kernels
    source = tmp_path / user.SOURCE.relative_to(PACKAGE)
    lines = source.read_text(encoding="utf-8").splitlines()
    others = ("KERNELS(f32", "KERNELS(bf16", "ATTENTION(f32", "ATTENTION(bf16")
    wanted = [line for line in lines if not line.startswith(others)]  # a third of the time
    source.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    monkeypatch.setenv("MLMODELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(user, "SOURCE", source)
    assert not gradients_are_right(), f"nothing noticed that {mutation.bug}"


@pytest.mark.parametrize("mutation", MODULE_MUTATIONS, ids=lambda mutation: mutation.bug)
def test_a_bug_in_the_path_is_caught(
    mutation: Mutation, short_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "mlmodels." + mutation.source.removesuffix(".py").replace("/", ".")
    real = import_module(name)
    namespace: dict[str, object] = {"__name__": name, "__file__": real.__file__}
    exec(compile(mutated(mutation), str(real.__file__), "exec"), namespace)
    namespace["CHUNK_ROWS"] = 50
    kind = block.FastBlock if real is block else path.FastPath
    mutant = namespace[kind.__name__]
    assert isinstance(mutant, type)
    for method, function in vars(mutant).items():
        if callable(function):
            monkeypatch.setattr(kind, method, function, raising=False)
    assert not gradients_are_right(), f"nothing noticed that {mutation.bug}"


def test_the_unchanged_path_passes_the_same_check(short_chunks: None) -> None:
    assert isinstance(CustomTransformer(CONFIG).fast_path().kernels, NativeKernels)  # type: ignore[union-attr]
    assert gradients_are_right()
