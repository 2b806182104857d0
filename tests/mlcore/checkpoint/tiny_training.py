"""A training of a few parameters that resumes by itself. ``ARGUMENTS`` says how.

Every source of randomness and of state that a real one has: Adam's moments, dropout, Python's, NumPy's
and torch's generators, a metric that gets better and worse.
"""

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mlcore.checkpoint import CheckpointManager
from mlcore.checkpoint.faults import arm_fault, num_passes
from mlcore.seeding import capture_rng_state, restore_rng_state, seed_everything


def train(folder: Path, *, steps: int, save_every: int, ready: Path | None = None, seed: int = 3) -> str:
    """Train to the end, from the last checkpoint if there is one; returns a hash of all the state."""
    torch.set_num_threads(1)
    seed_everything(seed)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    manager = CheckpointManager(folder, keep_last=2)
    start = 0
    if manager.steps():
        loaded = manager.load()
        model.load_state_dict(loaded.state["model"])
        optimizer.load_state_dict(loaded.state["optimizer"])
        restore_rng_state(loaded.state["rng"])
        start = loaded.step
    if ready is not None:
        ready.touch()
    for step in range(start + 1, steps + 1):
        inputs = torch.randn(16, 4) + random.random() + float(np.random.rand())
        loss = (model(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % save_every == 0:
            manager.save(_state(model, optimizer), step=step, metric=loss.item())
    return _hash(_state(model, optimizer))


def _state(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": capture_rng_state()}


def _hash(value: Any) -> str:
    """SHA-256 over every tensor and number of a nested state, in order."""
    digest = hashlib.sha256()

    def add(item: Any) -> None:
        if isinstance(item, torch.Tensor):
            digest.update(item.numpy().tobytes())
        elif isinstance(item, dict):
            for key, inner in item.items():
                digest.update(repr(key).encode())
                add(inner)
        elif isinstance(item, (list, tuple)):
            for inner in item:
                add(inner)
        else:
            digest.update(repr(item).encode())

    add(value)
    return digest.hexdigest()


if __name__ == "__main__":
    arguments: dict[str, Any] = globals()["ARGUMENTS"]
    arm_fault(arguments.get("fault", ""))
    result = train(
        Path(arguments["folder"]),
        steps=arguments["steps"],
        save_every=arguments["save_every"],
        ready=Path(arguments["ready"]) if "ready" in arguments else None,
    )
    Path(arguments["result"]).write_text(result)
    if "count" in arguments:
        Path(arguments["count"]).write_text(str(num_passes()))
