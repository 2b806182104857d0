"""Which device to compute on, and in which precision. The one place that decides either.

The original documents disagree on the order (MPS > CUDA > CPU, or CUDA > MPS > CPU). No machine has both, so
the first is taken, everywhere. ``python -m mlcore.device`` prints what this machine can do.
"""

import difflib
import functools
import os
import platform
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlcore.errors import ConfigError

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "off", "float32", "bf16", "fp16")
_SYNONYMS = {
    True: "auto",
    False: "off",
    "true": "auto",
    "false": "off",
    "none": "off",
    "fp32": "float32",
    "bfloat16": "bf16",
    "float16": "fp16",
}


@dataclass(frozen=True)
class Capabilities:
    """What a device does in hardware, at the speed one expects of it."""

    bf16: bool = False
    fp16: bool = False


@dataclass(frozen=True)
class Precision:
    """How forward passes are computed.

    ``autocast`` is the data type for ``torch.autocast``, None for plain float32. ``uses_scaler`` tells
    whether gradients need a ``GradScaler`` (fp16 only: its exponent is too short for them).
    """

    name: str
    autocast: "torch.dtype | None"
    uses_scaler: bool


def get_best_device() -> "torch.device":
    """MPS if there is one, else CUDA, else the CPU."""
    import torch

    for name in _available_types():
        return torch.device(name)
    raise AssertionError("there is always a CPU")


def _available_types() -> list[str]:
    """Device types of this machine, best first."""
    import torch

    types = ["mps"] if torch.backends.mps.is_available() else []
    types += ["cuda"] if torch.cuda.is_available() else []
    return [*types, "cpu"]


def choose_device(name: str = "auto") -> "torch.device":
    """The device of that name.

    Args:
        name: "auto" (the best one), "cpu", "cuda", "cuda:1", "mps".

    Raises:
        ConfigError: this machine has none such; one line that says what it has.
    """
    import torch

    wanted = name.strip().lower()
    if wanted == "auto":
        return get_best_device()
    kind, _, index = wanted.partition(":")
    available = _available_types()
    if kind not in {"cpu", "cuda", "mps"} or (index and not index.isdigit()):
        nearest = difflib.get_close_matches(wanted, ["auto", *available], n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ConfigError(f"device {name!r} is unknown{hint} {_what_there_is(available)}")
    if kind not in available:
        raise ConfigError(f"device {name!r} is not available {_what_there_is(available)}")
    num_devices = torch.cuda.device_count() if kind == "cuda" else 1
    if index and int(index) >= num_devices:
        raise ConfigError(f"device {name!r} is not available {_what_there_is(available)}")
    return torch.device(wanted)


def _what_there_is(available: list[str]) -> str:
    import torch

    names = []
    for kind in available:
        count = torch.cuda.device_count() if kind == "cuda" else 1
        names += [f"cuda:{index}" for index in range(count)] if count > 1 else [kind]
    return f"(this machine has: {', '.join(names)}; 'auto' takes {available[0]})"


def should_use_mixed_precision(device: "torch.device | str") -> bool:
    """Whether mixed precision is worth it: CUDA yes, MPS no, CPU only with bf16 instructions."""
    import torch

    return choose_precision("auto", torch.device(device)).autocast is not None


def choose_precision(name: "str | bool", device: "torch.device | str") -> Precision:
    """The precision of that name on this device.

    Args:
        name: "auto" or True (the fastest that is safe), "off", "float32" or False, "bf16", "fp16".

    Raises:
        ConfigError: an unknown name, or fp16 where it cannot train.
    """
    import torch

    device = torch.device(device)
    capabilities = device_capabilities(device)
    precision = precision_for(name, device.type, capabilities)
    if precision.name == "bf16" and not capabilities.bf16:
        warnings.warn(f"bf16 is emulated on this {device.type} and slower than float32", stacklevel=2)
    return precision


def precision_for(name: "str | bool", device_type: str, capabilities: Capabilities) -> Precision:
    """The precision table, a pure function of what is asked for and what the hardware can do."""
    import torch

    key = name.strip().lower() if isinstance(name, str) else name
    wanted = _SYNONYMS.get(key, key)
    if wanted not in PRECISIONS:
        nearest = difflib.get_close_matches(str(wanted), PRECISIONS, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ConfigError(f"mixed precision {name!r} is unknown (one of {', '.join(PRECISIONS)}){hint}")
    if wanted == "auto":
        wanted = _automatic(device_type, capabilities)
    if wanted == "bf16":
        return Precision("bf16", torch.bfloat16, uses_scaler=False)
    if wanted == "fp16":
        if device_type != "cuda":
            raise ConfigError(f"mixed precision 'fp16' needs CUDA; on {device_type} take 'bf16' or 'off'")
        return Precision("fp16", torch.float16, uses_scaler=True)
    return Precision("float32", None, uses_scaler=False)


def _automatic(device_type: str, capabilities: Capabilities) -> str:
    if device_type in {"cuda", "cpu"} and capabilities.bf16:
        return "bf16"
    return "fp16" if device_type == "cuda" and capabilities.fp16 else "off"


def device_capabilities(device: "torch.device | str") -> Capabilities:
    """What this device does in hardware."""
    import torch

    device = torch.device(device)
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return Capabilities(bf16=major >= 8, fp16=True)  # bf16 came with Ampere, compute capability 8.0
    if device.type == "mps":
        return Capabilities(bf16=True, fp16=True)
    return Capabilities(bf16=cpu_has_bf16(), fp16=False)


@functools.cache
def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bf16 in hardware (AVX512-BF16, AMX, or Arm's BF16), as its flags say."""
    import torch

    if platform.machine().lower() in {"arm64", "aarch64"}:
        return sys.platform.startswith("linux") and "bf16" in _linux_cpu_flags()
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    answers = [bool(getattr(torch.cpu, name)()) for name in questions if hasattr(torch.cpu, name)]
    return any(answers) or not _linux_cpu_flags().isdisjoint({"avx512_bf16", "amx_bf16"})


def _linux_cpu_flags() -> frozenset[str]:
    """The flags of the first core in /proc/cpuinfo; empty on other systems."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip().lower() in {"flags", "features"}:
                    return frozenset(value.split())
    except OSError:
        pass
    return frozenset()


def device_summary(device: "torch.device | str") -> str:
    """One line for the start of a run: ``cuda:0 (NVIDIA H200, 139 GiB), mixed precision bf16``."""
    import torch

    device = torch.device(device)
    mixed = choose_precision("auto", device)
    precision = "float32" if mixed.autocast is None else f"mixed precision {mixed.name}"
    return f"{device} ({device_name(device)}), {precision}"


def device_name(device: "torch.device | str") -> str:
    """The hardware's own name and its size."""
    import torch

    device = torch.device(device)
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if device.type == "mps":
        return f"Apple {platform.machine()}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


def dtype_table() -> list[dict[str, Any]]:
    """One row for each device of this machine: ``device``, ``name``, ``auto``, ``bf16``, ``fp16``,
    ``scaler``."""
    rows: list[dict[str, Any]] = []
    for kind in _available_types():
        capabilities = device_capabilities(kind)
        automatic = precision_for("auto", kind, capabilities)
        rows.append(
            {
                "device": kind,
                "name": device_name(kind),
                "auto": automatic.name,
                "bf16": "in hardware" if capabilities.bf16 else "emulated, slow",
                "fp16": "with gradient scaling" if kind == "cuda" else "not for training",
                "scaler": automatic.uses_scaler,
            }
        )
    return rows


def main() -> int:
    """Print the table of devices and precisions; always 0."""
    from rich.console import Console
    from rich.table import Table

    rows = dtype_table()
    table = Table("device", "hardware", "mixed precision: auto", "bf16", "fp16")
    for row in rows:
        table.add_row(row["device"], row["name"], row["auto"], row["bf16"], row["fp16"])
    console = Console()
    console.print(table)
    console.print(f"'auto' takes {device_summary(get_best_device())}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
