"""Peak memory of this process and of its accelerator."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def peak_process_bytes() -> int:
    """Largest resident set of this process so far, in bytes.

    Linux reads VmHWM: `ru_maxrss` survives `exec` there, so a child would show its parent's peak.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def peak_device_bytes(device: Any = None) -> int | None:
    """Largest memory held by tensors on a CUDA device, or by the driver for MPS; None on the CPU.

    `device` is a torch device, its name, or None for the current CUDA device where one is in use.
    """
    torch = sys.modules.get("torch")  # a process that never imported torch has nothing on a device
    if torch is None:
        return None
    kind = str(device).split(":")[0] if device is not None else "cuda"
    if kind == "cuda" and torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated(None if device is None else device))
    if kind == "mps" and torch.backends.mps.is_available():
        return int(torch.mps.driver_allocated_memory())
    return None


def peak_memory_bytes(device: Any = None) -> int:
    """The accelerator's peak where one is used, else the process's."""
    on_device = peak_device_bytes(device)
    return peak_process_bytes() if on_device is None else on_device
