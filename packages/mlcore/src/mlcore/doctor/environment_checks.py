"""Checks of what a run stands on: Python, torch and its companions, the device, memory, disk, threads."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mlcore.cores import num_usable_cores
from mlcore.doctor.check_result import CheckResult

OLDEST_PYTHON = (3, 11)
OLDEST_TORCH = (2, 11)
LOW_MEMORY_GIB = 2.0
LOW_DISK_GIB = 2.0
_GIB = 2**30

# A torchvision built for another torch fails when it is imported, and may take the process with it.
_TORCHVISION_PROBE = """
import importlib.util, sys
if importlib.util.find_spec("torchvision") is None:
    print("absent"); sys.exit(0)
import torch, torchvision
from torchvision.ops import nms
nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
print(torchvision.__version__)
"""


def check_python() -> CheckResult:
    """Python is new enough."""
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return CheckResult("Python", "failed", f"{version}; {'.'.join(map(str, OLDEST_PYTHON))} is needed")
    return CheckResult("Python", "ok", f"{version}, {sys.executable}")


def check_torch() -> CheckResult:
    """torch is new enough: older ones load hostile checkpoints (CVE-2026-24747) or lack functions."""
    import torch

    build = f"{torch.__version__}, CUDA {torch.version.cuda or 'none'}"
    major, minor = (int(part) for part in torch.__version__.split(".")[:2])
    if (major, minor) < OLDEST_TORCH:
        return CheckResult("torch", "failed", f"{build}; {'.'.join(map(str, OLDEST_TORCH))} is needed")
    return CheckResult("torch", "ok", build)


def check_torchvision(probe: str = _TORCHVISION_PROBE) -> CheckResult:
    """torchvision matches torch. Tried in a child process, which a mismatch may crash."""
    command = [sys.executable, "-c", probe]
    try:
        child = subprocess.run(  # noqa: S603 -- our own program, run by our own interpreter
            command, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return CheckResult("torchvision", "failed", "importing it takes longer than two minutes")
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines() or [f"its process ended with {child.returncode}"]
        return CheckResult("torchvision", "failed", f"does not fit this torch: {lines[-1]}")
    version = child.stdout.strip()
    if version == "absent":
        return CheckResult("torchvision", "note", "not installed; only the image projects need it")
    return CheckResult("torchvision", "ok", version)


def check_device() -> CheckResult:
    """The device that "auto" takes."""
    from mlcore.device import device_summary, get_best_device

    return CheckResult("device", "ok", device_summary(get_best_device()))


def check_bf16() -> CheckResult:
    """Whether the CPU has bf16 instructions; information only."""
    from mlcore.device import cpu_has_bf16

    detail = "in hardware" if cpu_has_bf16() else "no instructions for it; mixed precision stays off on CPU"
    return CheckResult("CPU bf16", "note", detail)


def check_memory() -> CheckResult:
    """Enough memory is free for a small model."""
    import psutil

    memory = psutil.virtual_memory()
    detail = f"{memory.available / _GIB:.1f} GiB free of {memory.total / _GIB:.1f} GiB"
    if memory.available / _GIB < LOW_MEMORY_GIB:
        return CheckResult("memory", "warning", f"{detail}; batches may not fit")
    return CheckResult("memory", "ok", detail)


def check_disk(folder: Path | None = None) -> CheckResult:
    """Enough room for checkpoints where the command was started, and leave to write there."""
    folder = folder or Path.cwd()
    usage = shutil.disk_usage(folder)
    detail = f"{usage.free / _GIB:.1f} GiB free in {folder}"
    if not os.access(folder, os.W_OK):
        return CheckResult("disk", "warning", f"{folder} cannot be written to; give runs another folder")
    if usage.free / _GIB < LOW_DISK_GIB:
        return CheckResult("disk", "warning", f"{detail}; checkpoints may not fit")
    return CheckResult("disk", "ok", detail)


def check_threads() -> CheckResult:
    """No more threads than cores this process may use: more make small models many times slower."""
    import torch

    threads = torch.get_num_threads()
    cores = num_usable_cores()
    setting = f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}"
    detail = f"{threads} threads on {cores} usable cores ({setting})"
    if threads > cores:
        return CheckResult("threads", "warning", f"{detail}; set OMP_NUM_THREADS={cores}")
    return CheckResult("threads", "ok", detail)


ENVIRONMENT_CHECKS: tuple[Callable[[], CheckResult], ...] = (
    check_python,
    check_torch,
    check_torchvision,
    check_device,
    check_bf16,
    check_memory,
    check_disk,
    check_threads,
)
