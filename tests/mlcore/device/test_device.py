"""One order of devices, one table of precisions, one clear line when a device is not there."""

import itertools
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from mlcore import device as device_module
from mlcore.device import (
    Capabilities,
    Precision,
    choose_device,
    choose_precision,
    cpu_has_bf16,
    dtype_table,
    get_best_device,
    precision_for,
    should_use_mixed_precision,
)
from mlcore.errors import ConfigError


def pretend(monkeypatch: pytest.MonkeyPatch, *, mps: bool = False, cuda: int = 0, bf16: bool = False) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (8, 0) if bf16 else (7, 5))
    monkeypatch.setattr(device_module, "cpu_has_bf16", lambda: bf16)


@pytest.mark.parametrize(
    ("mps", "cuda", "best"), [(True, 1, "mps"), (True, 0, "mps"), (False, 2, "cuda"), (False, 0, "cpu")]
)
def test_the_order_is_mps_then_cuda_then_cpu(
    monkeypatch: pytest.MonkeyPatch, mps: bool, cuda: int, best: str
) -> None:
    pretend(monkeypatch, mps=mps, cuda=cuda)
    assert get_best_device() == torch.device(best)
    assert choose_device("auto") == choose_device() == torch.device(best)


def test_named_devices_are_taken_as_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, mps=True, cuda=2)
    for name in ("cpu", "mps", "cuda", "cuda:0", "cuda:1"):
        assert choose_device(name) == torch.device(name)
    assert choose_device(" CPU ") == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "cuda", "message"),
    [
        ("cuda", 0, "device 'cuda' is not available (this machine has: cpu; 'auto' takes cpu)"),
        ("mps", 0, "device 'mps' is not available (this machine has: cpu; 'auto' takes cpu)"),
        (
            "cuda:2",
            2,
            "device 'cuda:2' is not available (this machine has: cuda:0, cuda:1, cpu; 'auto' takes cuda)",
        ),
        (
            "cuad",
            1,
            "device 'cuad' is unknown; did you mean 'cuda'? (this machine has: cuda, cpu; 'auto' takes cuda)",
        ),
        ("cuda:x", 1, "device 'cuda:x' is unknown; did you mean 'cuda'?"),
        ("", 0, "device '' is unknown"),
    ],
)
def test_a_device_that_is_not_there_is_one_line_that_says_what_is(
    monkeypatch: pytest.MonkeyPatch, name: str, cuda: int, message: str
) -> None:
    pretend(monkeypatch, cuda=cuda)
    with pytest.raises(ConfigError) as caught:
        choose_device(name)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "kind", "bf16", "fp16", "dtype", "scaler"),
    [
        ("auto", "cuda", True, True, torch.bfloat16, False),
        ("auto", "cuda", False, True, torch.float16, True),
        ("auto", "mps", True, True, None, False),
        ("auto", "cpu", True, False, torch.bfloat16, False),
        ("auto", "cpu", False, False, None, False),
        ("fp16", "cuda", True, True, torch.float16, True),
        ("bf16", "cuda", False, True, torch.bfloat16, False),
        ("bf16", "mps", True, True, torch.bfloat16, False),
        ("bf16", "cpu", False, False, torch.bfloat16, False),
    ],
)
def test_the_table_of_precisions(
    name: str, kind: str, bf16: bool, fp16: bool, dtype: torch.dtype | None, scaler: bool
) -> None:
    precision = precision_for(name, kind, Capabilities(bf16=bf16, fp16=fp16))
    assert (precision.autocast, precision.uses_scaler) == (dtype, scaler)


def test_off_is_float32_everywhere_under_all_its_names() -> None:
    names: tuple[str | bool, ...] = ("off", "float32", False, "false", "fp32", "none", "OFF")
    for name, kind, bf16 in itertools.product(names, ("cpu", "cuda", "mps"), (True, False)):
        assert precision_for(name, kind, Capabilities(bf16, True)) == Precision("float32", None, False)


def test_true_is_auto() -> None:
    for kind, bf16 in itertools.product(("cpu", "cuda", "mps"), (True, False)):
        capabilities = Capabilities(bf16, True)
        assert precision_for(True, kind, capabilities) == precision_for("auto", kind, capabilities)


@pytest.mark.parametrize("kind", ["cpu", "mps"])
def test_fp16_is_refused_where_it_cannot_train(kind: str) -> None:
    with pytest.raises(ConfigError, match=rf"'fp16' needs CUDA; on {kind} take 'bf16' or 'off'"):
        precision_for("fp16", kind, Capabilities(True, True))


def test_an_unknown_precision_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"'bf61' is unknown .* did you mean 'bf16'"):
        precision_for("bf61", "cpu", Capabilities())


@pytest.mark.parametrize(("bf16", "cpu_answer"), [(True, True), (False, False)])
def test_mixed_precision_cuda_yes_mps_no_cpu_by_its_instructions(
    monkeypatch: pytest.MonkeyPatch, bf16: bool, cpu_answer: bool
) -> None:
    pretend(monkeypatch, mps=True, cuda=1, bf16=bf16)
    assert should_use_mixed_precision(torch.device("cuda"))
    assert not should_use_mixed_precision("mps")
    assert should_use_mixed_precision("cpu") == cpu_answer


def test_emulated_bf16_is_allowed_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, bf16=False)
    with pytest.warns(UserWarning, match="bf16 is emulated on this cpu"):
        assert choose_precision("bf16", "cpu").autocast is torch.bfloat16
    pretend(monkeypatch, bf16=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose_precision("bf16", "cpu").autocast is torch.bfloat16


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what the CPU can do")
def test_bf16_of_the_cpu_is_what_its_flags_say() -> None:
    flags = Path("/proc/cpuinfo").read_text().split()
    expected = bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags))
    assert cpu_has_bf16() == expected


@pytest.mark.parametrize(("flags", "answer"), [("fp asimd bf16 i8mm", True), ("fp asimd", False)])
def test_bf16_of_arm_is_read_from_its_features(
    monkeypatch: pytest.MonkeyPatch, flags: str, answer: bool
) -> None:
    monkeypatch.setattr(device_module.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(device_module.sys, "platform", "linux")
    monkeypatch.setattr(device_module, "_linux_cpu_flags", lambda: frozenset(flags.split()))
    assert device_module.cpu_has_bf16.__wrapped__() == answer


def test_the_table_has_a_row_for_each_device(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, mps=True, cuda=1, bf16=True)
    monkeypatch.setattr(device_module, "device_name", lambda device: f"a {device}")
    rows = {row["device"]: row for row in dtype_table()}
    assert list(rows) == ["mps", "cuda", "cpu"]
    assert [rows[kind]["auto"] for kind in rows] == ["float32", "bf16", "bf16"]


def test_the_command_prints_what_auto_takes() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "mlcore.device"], capture_output=True, text=True, check=False, timeout=120
    )
    assert child.returncode == 0
    assert f"'auto' takes {get_best_device()}" in child.stdout


def test_choosing_a_device_needs_no_torch_until_it_is_called() -> None:
    program = "import sys, mlcore.device, mlcore.seeding, mlcore.signals, mlcore.checkpoint, mlcore.doctor; "
    program += "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
