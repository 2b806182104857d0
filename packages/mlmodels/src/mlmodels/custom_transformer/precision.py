"""Which dtype holds what. Products are made in the compute dtype; everything that sums stays wide.

| in the compute dtype                                   | in the wide dtype
 |
|--------------------------------------------------------|------------------------------------------------------|
| matrix products and the activations between them       | parameters, gradients of parameters, residual
stream |
| queries, keys, values, attention weights as multiplied | LayerNorm, softmax, log-sum-exp, logits, loss
 |
"""

from typing import Literal

import torch

DtypeName = Literal["bfloat16", "float32", "float64"]

_BY_NAME: dict[DtypeName, torch.dtype] = {
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}


def wide_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 stays float64; every narrower compute dtype sums in float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def dtype_from_name(name: str) -> torch.dtype:
    """The torch dtype of a config's name: bfloat16, float32 or float64."""
    return _BY_NAME[name]  # type: ignore[index]


def dtype_name(dtype: torch.dtype) -> DtypeName:
    """The config's name of a compute dtype.

    Raises ValueError for a dtype the model does not compute in (float16 would need loss scaling).
    """
    for name, known in _BY_NAME.items():
        if known == dtype:
            return name
    raise ValueError(f"dtype {dtype} is not one of {', '.join(f'torch.{name}' for name in _BY_NAME)}")
