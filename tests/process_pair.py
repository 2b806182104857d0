"""Two processes over gloo without the seconds that torchrun takes: forked from this one, which has torch already.

They find the environment that torchrun would give them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mlcore.trainer import BaseTrainer, Callback
from mlcore.trainer.distributed import disconnect

NEEDS_FORK = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


class Series(Callback):
    """Loss and gradient norm of every update."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.norms: list[float] = []

    def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
        self.losses.append(result.loss)
        self.norms.append(result.grad_norm)


def start_pair(folder: Path, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Two processes that call `work(rank, *arguments)`; `folder` gets result0.json or error0.txt, and so on."""
    # What every optimizer imports; the children inherit it.
    torch.optim.SGD([torch.zeros(1)], lr=0.1)
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    context = multiprocessing.get_context("fork")
    pair = [context.Process(target=_child, args=(work, rank, port, folder, arguments)) for rank in (0, 1)]
    for process in pair:
        process.start()
    return pair


def results(folder: Path, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `work` returned in each process."""
    pair = start_pair(folder, work, *arguments)
    for process in pair:
        process.join(200)
    assert [process.exitcode for process in pair] == [0, 0]
    return [json.loads((folder / f"result{rank}.json").read_text()) for rank in (0, 1)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _child(work: Callable[..., Any], rank: int, port: int, folder: Path, arguments: tuple[Any, ...]) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    code = 0
    try:
        result = work(rank, *arguments)
        (folder / f"result{rank}.json").write_text(json.dumps(result))
        disconnect()
    except Exception as error:
        (folder / f"error{rank}.txt").write_text(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        code = int(getattr(error, "exit_code", 1))
    os._exit(code)
