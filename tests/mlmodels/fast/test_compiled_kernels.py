"""What Triton compiles the kernels to for an H100, which needs no GPU: no atomics, no spilled registers, wide accesses.

The interpreter does not see what the compiler refuses, so this is also the test that they compile.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

triton = pytest.importorskip("triton", reason="this torch comes without Triton")
backends = pytest.importorskip("triton.backends")

from mlmodels.custom_transformer.fast.triton import activation, column_sums, cross_entropy, layer_norm  # noqa: E402
from mlmodels.custom_transformer.fast.triton.options import OPTIONS  # noqa: E402

ARCHITECTURE = 90
STORED, WIDE, COUNT = "*bf16", "*fp32", "i32"
TILE = {"ROWS": 1, "COLUMNS": 4096}
CASES: dict[str, tuple[Any, list[str], dict[str, Any], int]] = {
    "layer_norm": (layer_norm._forward, [*[WIDE] * 3, STORED, *[WIDE] * 2, *[COUNT] * 2],
                   {"EPSILON": 1e-5, **TILE}, 8),
    "layer_norm_gradient": (layer_norm._backward, [STORED, *[WIDE] * 7, *[COUNT] * 3], TILE, 8),
    "activation_split": (activation._activation, [*[STORED] * 3, COUNT],
                         {"IS_GELU": True, "NUMBERS": activation.NUMBERS}, 4),
    "chain_and_sum": (column_sums._sum_parts, [STORED, STORED, WIDE, COUNT, COUNT],
                      {"PART_ROWS": 128, "ROWS": column_sums.TILE_ROWS, "COLUMNS": column_sums.TILE_COLUMNS}, 4),
    "add_parts": (column_sums._add_parts, [WIDE, WIDE, COUNT, COUNT], {"ROWS": 16, "COLUMNS": 64}, 4),
    "cross_entropy": (cross_entropy._cross_entropy, [STORED, "*i64", WIDE, WIDE, "*i32", COUNT],
                      {"SMOOTHING": 0.1, "HAS_GRADIENT": True, "COLUMNS": cross_entropy.MAX_COLUMNS}, 8),
}  # fmt: skip


def compiled(kernel: Any, types: list[str], constants: dict[str, Any], num_warps: int) -> dict[str, Any]:
    """The compiler's stages by name, for sizes and addresses that 16 divides."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    rest = iter(types)
    signature = {name: "constexpr" if name in constants else next(rest) for name in kernel.arg_names}
    positions = {name: (i,) for i, name in enumerate(kernel.arg_names)}
    aligned = {positions[name]: [["tt.divisibility", 16]] for name in signature if name not in constants}
    values = {positions[name]: value for name, value in constants.items()}
    source = ASTSource(kernel, signature, values, aligned)
    target = GPUTarget("cuda", ARCHITECTURE, 32)
    return triton.compile(source, target=target, options={"num_warps": num_warps, **OPTIONS}).asm


@pytest.mark.skipif(triton.knobs.runtime.interpret, reason="interpreted functions are not compiled")
@pytest.mark.parametrize("name", CASES)
def test_a_kernel_compiles_without_atomics_and_without_spilling(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))
    if "nvidia" not in triton.backends.backends:
        pytest.skip("this Triton compiles for no NVIDIA GPU")
    stages = compiled(*CASES[name])
    assembly = stages["ptx"]
    assert re.findall(r"^\s*(?:@\S+\s+)?(?:atom|red)\.", assembly, re.MULTILINE) == []
    assert "ld.global.v4.b32" in assembly  # 16 bytes a thread
    roundings = set(re.findall(r"cvt\.(r[a-z]+)\.\S*bf16", assembly))
    assert roundings <= {"rn"}, "to the nearest, which the interpreter does not show"
    (tmp_path / "kernel.cubin").write_bytes(stages["cubin"])
    tool = Path(triton.knobs.nvidia.cuobjdump.path)
    command = [str(tool), "--dump-resource-usage", str(tmp_path / "kernel.cubin")]
    usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"(?:STACK|LOCAL):(\d+)", usage) == ["0", "0"], usage
