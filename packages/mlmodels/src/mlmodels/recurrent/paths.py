"""Which of three equal computations runs: the plain loop, the fast path, or torch's own operation."""

from typing import Literal, get_args

from torch import Tensor

from mlmodels.recurrent import torch_path
from mlmodels.recurrent.config import CellName, Kernels
from mlmodels.recurrent.fast_path import compute_dtype
from mlmodels.recurrent.step_kernels import SUFFIXES, load_step_kernels

Path = Literal["plain", "fast", "torch"]


def choose_path(kernels: Kernels, cell: CellName, layer_norm: bool, x: Tensor) -> Path:
    """What `kernels` means for this input, here.

    fast and auto need a compiler on the CPU; without one, after one line of notice, they are torch's operation
    (auto, without normalisation) or the plain loop. On other devices auto is torch's operation without
    normalisation (cuDNN on CUDA), and the plain loop with it.

    Raises:
        ValueError: a name that is none.
    """
    if kernels not in get_args(Kernels):
        raise ValueError(f"kernels {kernels!r} is none of {', '.join(get_args(Kernels))}")
    if kernels == "reference":
        return "plain"
    if x.device.type == "cpu":
        dtype = compute_dtype(x)
        if dtype in SUFFIXES and load_step_kernels(cell, dtype) is not None:
            return "fast"
    return "torch" if kernels == "auto" and not layer_norm and torch_path.is_available(x) else "plain"
