"""Named places where a test can make the program fail.

The environment variable ``FAULT="name:n:action"`` arms one of them: the n-th time that the program comes to
the point ``name``, it carries out ``action``:

- ``kill``: SIGKILL to this process, as a power cut would have it;
- ``raise``: a ``RuntimeError``, as a bug would have it;
- ``enospc``: ``OSError(ENOSPC)``, as a full disk would have it; from then on, each time it comes by;
- ``sleep=seconds``: stay there, so that a test can send a signal in that very moment.

Unset, which is the rule, a fault point is one comparison with ``None``.
"""

import errno
import os
import signal
import time
from dataclasses import dataclass

# In the order in which one save comes by them.
CHECKPOINT_FAULT_POINTS = (
    "checkpoint.open.before",
    "checkpoint.open.after",
    "checkpoint.write.before",
    "checkpoint.write.middle",
    "checkpoint.write.after",
    "checkpoint.fsync.before",
    "checkpoint.fsync.after",
    "checkpoint.rename.before",
    "checkpoint.rename.after",
    "checkpoint.folder_fsync.before",
    "checkpoint.folder_fsync.after",
    "checkpoint.manifest.before",
    "checkpoint.manifest.rename.before",
    "checkpoint.manifest.after",
    "checkpoint.best.before",
    "checkpoint.best.rename.before",
    "checkpoint.best.after",
    "checkpoint.last.before",
    "checkpoint.last.rename.before",
    "checkpoint.last.after",
    "checkpoint.prune.before",
    "checkpoint.prune.middle",
    "checkpoint.prune.after",
)


@dataclass
class Fault:
    """One armed fault. ``countdown`` is how many more times the point is passed, the failing one included."""

    name: str
    countdown: int
    action: str
    num_passes: int = 0


def parse_fault(text: str) -> Fault | None:
    """``"name:n:action"`` as a Fault; empty text is none. Raises ``ValueError`` for anything else."""
    if not text:
        return None
    name, _, rest = text.partition(":")
    count, _, action = rest.partition(":")
    if not name or not count.isdigit() or int(count) < 1:
        raise ValueError(f"FAULT={text!r}: expected name:n:action with n >= 1")
    if action.partition("=")[0] not in {"kill", "raise", "enospc", "sleep"}:
        raise ValueError(f"FAULT={text!r}: the action is kill, raise, enospc or sleep=seconds")
    return Fault(name, int(count), action)


_fault: Fault | None = parse_fault(os.environ.get("FAULT", ""))


def arm_fault(text: str) -> None:
    """Arm a fault in this process (tests); an empty text disarms it."""
    global _fault
    _fault = parse_fault(text)


def num_passes() -> int:
    """How often the armed point has been passed: arm it with a huge count to learn where to aim."""
    return 0 if _fault is None else _fault.num_passes


def fault_point(name: str) -> None:
    """A place that can be made to fail. Does nothing unless this very point is armed."""
    if _fault is not None and _fault.name == name:
        _pass_by(_fault)


def _pass_by(fault: Fault) -> None:
    fault.countdown -= 1
    fault.num_passes += 1
    repeats = fault.action == "enospc"  # a full disk stays full
    if fault.countdown > 0 or (fault.countdown < 0 and not repeats):
        return
    if fault.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.action == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif fault.action == "raise":
        raise RuntimeError(f"fault injected at {fault.name}")
    else:
        time.sleep(float(fault.action.partition("=")[2] or "60"))
