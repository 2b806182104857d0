"""Keep large freed blocks in the process instead of returning them to the system.

glibc hands large blocks back to the system when they are freed, so that each training step on a CPU faults all of its
pages in again. With blocks that are kept, the same step spends that time in its products.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_ONE_GIBIBYTE = 1 << 30


def keep_large_blocks() -> bool:
    """Let malloc reuse blocks up to 1 GiB. True where the C library agreed; elsewhere nothing changes."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library than glibc
        return False
    return all(mallopt(option, _ONE_GIBIBYTE) == 1 for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD))
