"""The most memory that this process held since a given moment, on the host and on its accelerator."""

import contextlib
import gc
import sys
from pathlib import Path
from typing import Any

from mlcore.logger.memory import peak_device_bytes, peak_process_bytes

_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): sets VmHWM to the present resident set
_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """What this process holds in memory now, after its garbage is gone."""
    gc.collect()
    if _STATM.exists():
        import resource

        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    import psutil

    return int(psutil.Process().memory_info().rss)


def forget_peak(device: str = "cpu") -> bool:
    """Let the peaks begin anew. False where the host's cannot: macOS, Windows, a Linux that forbids it."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda") and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        _CLEAR_REFS.write_text(_RESET_PEAK)
        return True
    return False


def peak_bytes(device: str = "cpu") -> dict[str, int | None]:
    """The peaks since `forget_peak`: of the process and of its accelerator (None on a CPU)."""
    on_device = None if device.startswith("cpu") else peak_device_bytes(device)
    return {"process": peak_process_bytes(), "device": on_device}
