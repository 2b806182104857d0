"""Random numbers: one seed for all of them, and their states in a form that a checkpoint can hold.

NumPy's own state is refused by ``torch.load(weights_only=True)``, so every state is turned into tensors,
numbers, lists and tuples.
"""

import hashlib
import json
import os
import random
from typing import Any

_NUMPY_SEEDS = 2**32


def seed_everything(seed: int, deterministic: bool = False) -> None:
    """Seed Python, NumPy and torch on every device.

    Args:
        seed: 0 <= seed < 2**63.
        deterministic: also make torch refuse operations that have no deterministic implementation, and cuDNN
            stop choosing algorithms by timing. Slower on CUDA; without effect on the results on a CPU.

    Raises:
        ValueError: the seed is out of range.
    """
    import numpy as np
    import torch

    if not 0 <= seed < 2**63:
        raise ValueError(f"seed is {seed}; it must be at least 0 and below 2**63")
    random.seed(seed)
    np.random.seed(seed % _NUMPY_SEEDS)
    torch.manual_seed(seed)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = deterministic
    if deterministic:
        torch.backends.cudnn.benchmark = False


def capture_rng_state() -> dict[str, Any]:
    """The state of every global generator: Python, NumPy, torch's CPU, and the accelerators in use.

    Returns:
        Only tensors, integers, floats, lists and tuples, so that it loads with ``weights_only=True``.
    """
    import numpy as np
    import torch

    version, words, python_gauss = random.getstate()
    numpy_state = np.random.get_state(legacy=True)
    assert isinstance(numpy_state, tuple)
    name, keys, position, has_gauss, cached = numpy_state
    assert name == "MT19937", "NumPy's global generator is a Mersenne twister"
    state: dict[str, Any] = {
        "python": (version, torch.tensor(words, dtype=torch.int64), python_gauss),
        "numpy": (torch.from_numpy(keys.astype(np.int64)), int(position), int(has_gauss), float(cached)),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_rng_state(state: dict[str, Any]) -> None:
    """Put every generator back to where ``capture_rng_state`` found it.

    The states of accelerators that this machine does not have are passed over: a run moved to another device
    goes on, but not bit for bit.
    """
    import numpy as np
    import torch

    version, words, python_gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), python_gauss))
    keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        for index, device_state in enumerate(state["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(device_state, index)
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])


def worker_init(worker_id: int) -> None:
    """``worker_init_fn`` of a DataLoader: Python and NumPy differ between workers and between epochs.

    torch gives each worker a seed of its own (base seed of the epoch + worker's number); the other two follow
    it.
    """
    import numpy as np
    import torch

    seed = seed_for("worker", torch.initial_seed(), worker_id)
    random.seed(seed)
    np.random.seed(seed % _NUMPY_SEEDS)


def seed_for(*parts: int | str) -> int:
    """A seed that depends on every part and on nothing else: ``seed_for(seed, "shuffle", epoch)``.

    The same in every process and on every machine, unlike ``hash``. 0 <= result < 2**63.
    """
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
