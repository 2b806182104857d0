"""Holders of parameters, and nothing more: what is computed with them stands in `block.py` and `model.py`."""

import torch
from torch import nn


def _parameter(*shape: int, dtype: torch.dtype) -> nn.Parameter:
    # requires_grad=False: autograd never sees these parameters; their gradients are written by hand.
    return nn.Parameter(torch.zeros(shape, dtype=dtype), requires_grad=False)


class Table(nn.Module):
    """`weight` (rows, features) of an embedding."""

    def __init__(self, num_rows: int, num_features: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _parameter(num_rows, num_features, dtype=dtype)


class Linear(nn.Module):
    """`weight` (outputs, inputs) and `bias` (outputs) or None."""

    bias: nn.Parameter | None

    def __init__(self, num_inputs: int, num_outputs: int, dtype: torch.dtype, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = _parameter(num_outputs, num_inputs, dtype=dtype)
        self.register_parameter("bias", _parameter(num_outputs, dtype=dtype) if bias else None)


class Norm(nn.Module):
    """`weight` and `bias` (features), or None where the norm is not affine."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, num_features: int, dtype: torch.dtype, *, affine: bool = True) -> None:
        super().__init__()
        self.register_parameter("weight", _parameter(num_features, dtype=dtype) if affine else None)
        self.register_parameter("bias", _parameter(num_features, dtype=dtype) if affine else None)
