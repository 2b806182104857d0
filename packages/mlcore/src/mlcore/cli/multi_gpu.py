"""``--use_multigpu``: start the same command again, one process for each accelerator of this machine."""

import os
import sys
from collections.abc import Sequence

from mlcore.cli.flags import spellings


def restart_on_all_devices(words: Sequence[str]) -> None:
    """Replace this process by torchrun with one worker a device. Returns where that would change nothing.

    Args:
        words: the command line after the script's name.
    """
    if "LOCAL_RANK" in os.environ:
        return  # a worker already
    import torch

    count = torch.cuda.device_count()
    if count < 2:
        print(
            f"--use-multigpu: this machine has {count} CUDA devices; going on with one process",
            file=sys.stderr,
        )
        return
    sys.stdout.flush()
    command = torchrun_command(sys.argv[0], words, count)
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and script


def torchrun_command(script: str, words: Sequence[str], num_devices: int) -> list[str]:
    """The command line that starts ``script`` once a device; the flag itself is left out."""
    rest = [word for word in words if word not in spellings("--use-multigpu")]
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={num_devices}",
    ]
    return [*launcher, script, *rest]
