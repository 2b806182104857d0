"""Saves checkpoints until it is asked to stop. Run as a child; FAULT makes the second save dwell in its middle."""

import sys
from pathlib import Path

import torch
from mlcore.checkpoint import CheckpointManager
from mlcore.signals import StopSignals


def main(folder: Path) -> int:
    manager = CheckpointManager(folder)
    with StopSignals() as stop:
        for step in range(1, 1000):
            print(f"saving {step}", flush=True)
            manager.save({"w": torch.full((100,), float(step))}, step=step, metric=float(step))
            if stop.requested is not None:
                break
    return stop.exit_code or 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
