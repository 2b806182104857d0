"""Bugs are planted in the kernels between SpeedNet's convolutions, and the comparison with torch must catch each.

A mutation replaces one stretch of source that must occur exactly once; the copy is compiled for float64 alone.
"""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mlmodels import native
from mlmodels.image_classifiers import pool_norm_gelu
from mlmodels.image_classifiers.pool_norm_gelu import max_pool, norm_gelu, shift_gelu
from planted_bugs import Mutation
from torch import Tensor, nn

pytestmark = pytest.mark.skipif(not pool_norm_gelu._is_compiled(), reason="no C++ compiler")


MUTATIONS = [
    Mutation("of equals the last is taken", "max_pool.h", "value > best", "value >= best"),
    Mutation("a NaN is passed over", "max_pool.h", " || value != value", ""),
    Mutation("the choice is forgotten", "max_pool.h", "uint8_t(which)", "uint8_t(0)"),
    Mutation("the window's second line is its first", "max_pool.h", "*x2 = x0 + line", "*x2 = x0"),
    Mutation("the odd column keeps what was there", "max_pool.h", "if (width % 2)", "if (false)"),
    Mutation("the odd line keeps what was there", "max_pool.h", "if (height % 2 &&", "if (false &&"),
    Mutation(
        "the variance is not about the mean", "norm_gelu.h", "to_real(xn[c]) - mean[c];", "to_real(xn[c]);"
    ),
    Mutation(
        "forward leaves the shift out",
        "norm_gelu.h",
        "rate[c] + shift[c];\n      normal",
        "rate[c];\n      normal",
    ),
    Mutation(
        "the slope lacks the density",
        "norm_gelu.h",
        "Real g = to_real(dyn[c]) * (phi + z * density)",
        "Real g = to_real(dyn[c]) * phi",
    ),
    Mutation(
        "the shift's slope lacks the density",
        "norm_gelu.h",
        "sum[c] += to_real(dyn[c]) * (phi + z * density)",
        "sum[c] += to_real(dyn[c]) * phi",
    ),
    Mutation(
        "the shift's slope is elsewhere", "norm_gelu.h", "z = to_real(xn[c]) + shift[c]", "z = to_real(xn[c])"
    ),
    Mutation(
        "the slope is at the normed value",
        "norm_gelu.h",
        "Real g = to_real(dyn[c]) * (phi + z * density)",
        "Real g = to_real(dyn[c]) * (phi + normed * density)",
    ),
    Mutation("the gradient's mean is dropped", "norm_gelu.h", " - mean_g[c]", ""),
    Mutation("the variance's term is dropped", "norm_gelu.h", " - normed * mean_product[c]", ""),
    Mutation("the rate is left out", "norm_gelu.h", "mean_product[c]) * rate[c]", "mean_product[c])"),
    Mutation(
        "the shift gets a mean",
        "norm_gelu.h",
        "dshift[c] = Real(sums[c]);\n  for (long j",
        "dshift[c] = Real(sums[c] / rows);\n  for (long j",
    ),
    Mutation(
        "the last part is not added", "norm_gelu.h", "part = 1; part < parts;", "part = 1; part < parts - 1;"
    ),
    Mutation(
        "a block's first row is passed over",
        "norm_gelu.h",
        "long n = begin; n < std::min",
        "long n = begin + 1; n < std::min",
    ),
]


@pytest.fixture(autouse=True)
def spoilt_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh memory is often zero: what is not written must not look right by chance."""
    real = torch.empty

    def spoilt(*shape: Any, **options: Any) -> Tensor:
        tensor = real(*shape, **options)
        return tensor.fill_(77) if tensor.dtype in (torch.float64, torch.uint8) else tensor

    monkeypatch.setattr(torch, "empty", spoilt)


def outcome(*, ours: bool) -> list[Tensor]:
    """Values, gradients and running statistics of pooling, BatchNorm and GELU, by the kernels or by torch."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(9, 6, 7, 5, generator=generator, dtype=torch.float64).mul(2).round()  # with equals
    x = (
        (x + 0.1 * torch.arange(6).view(1, 6, 1, 1))
        .contiguous(memory_format=torch.channels_last)
        .requires_grad_()
    )
    norm = nn.BatchNorm2d(6, momentum=0.4, dtype=torch.float64)
    norm.weight = None  # type: ignore[assignment]
    nn.init.normal_(norm.bias, generator=generator)
    y = norm_gelu(max_pool(x), norm) if ours else F.gelu(norm(F.max_pool2d(x, 2)))
    dy = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    with_nan = torch.full_like(x, torch.nan).where(torch.arange(5) == 1, x.detach())
    pooled = max_pool(with_nan.requires_grad_()) if ours else F.max_pool2d(with_nan, 2)
    shift = norm.bias
    z = shift_gelu(x.detach(), shift) if ours else F.gelu(x.detach() + shift.view(-1, 1, 1))
    shifted = [z, *torch.autograd.grad((z * x.detach()).sum(), shift)]
    return [
        y,
        *torch.autograd.grad(y, (x, norm.bias), dy),
        *copy.deepcopy(norm).buffers(),
        pooled.isnan(),
        *shifted,
    ]


def is_right() -> bool:
    pairs = zip(outcome(ours=True), outcome(ours=False), strict=True)
    return all(torch.allclose(a.double(), b.double(), rtol=1e-10, atol=1e-12) for a, b in pairs)


def use_kernels_of(mutation: Mutation, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the mutated source, float64 alone, and put it in the place of the real one."""
    original = pool_norm_gelu._SOURCE.parent
    kernels = shutil.copytree(original, folder / "image_classifiers" / original.name)
    shutil.copytree(Path(native.__file__).parent, folder / "native")
    changed = kernels / mutation.source
    changed.write_text(mutation.applied_to(changed.read_text(encoding="utf-8")), encoding="utf-8")
    source = kernels / pool_norm_gelu._SOURCE.name
    lines = source.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("KERNELS(") or "f64" in line]
    source.write_text("\n".join(kept), encoding="utf-8")
    monkeypatch.setenv("MLMODELS_CACHE", str(folder / "cache"))
    monkeypatch.setattr(pool_norm_gelu, "_SOURCE", source)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.bug)
def test_a_bug_in_a_kernel_is_caught(
    mutation: Mutation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_kernels_of(mutation, tmp_path, monkeypatch)
    assert not is_right(), f"nothing noticed that {mutation.bug}"


def test_the_unchanged_sources_pass_the_same_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = Mutation("a comment", "max_pool.h", "// dx: dy where", "// dx becomes dy where")
    use_kernels_of(harmless, tmp_path, monkeypatch)
    assert is_right()
