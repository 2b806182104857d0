"""Keep large freed blocks in the process instead of returning them to the system.

glibc gives every block above 32 MB (at first: 128 KB) back to the system when it is freed, so that each training step on a
CPU faults all its pages in again: a step of the hand-written transformer (3.2 M parameters, 16 windows of 256 tokens, two
cores) then spends more time in the kernel than in its products.
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
