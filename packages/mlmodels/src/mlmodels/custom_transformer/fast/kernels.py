"""What the fast path asks of a device: fused pieces that write into tensors made before.

N rows (batch and time together), D features, I inputs and O outputs of a product, V vocabulary, B batch, T time, H
heads, E = 3·D. "Stored" is the compute dtype of `precision.py`, "wide" float32 or float64.
"""

import importlib.util
from typing import Protocol

import torch
from torch import Tensor

ACTIVATIONS = {"gelu": 0, "relu": 1}


class Kernels(Protocol):
    """Every method writes where it is told and returns nothing. `add`: onto what is there, instead of over it."""

    name: str

    def linear(
        self, x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, out_NO: Tensor, *, add: bool = False
    ) -> None:
        """out = x weightᵀ + bias. x and weight stored, bias wide, out stored or wide."""

    def linear_input_gradient(self, dy_NO: Tensor, weight_OI: Tensor, dx_NI: Tensor) -> None:
        """dx = dy weight; all stored."""

    def linear_weight_gradient(self, dy_NO: Tensor, x_NI: Tensor, dweight_OI: Tensor, *, add: bool) -> None:
        """dweight = dyᵀ x; dy and x stored, dweight wide."""

    def column_sums(self, dy_NO: Tensor, sums_O: Tensor) -> None:
        """sums += dy summed over its rows (the gradient of a bias); sums wide."""

    def layer_norm(
        self,
        x_ND: Tensor,
        weight_D: Tensor | None,
        bias_D: Tensor | None,
        epsilon: float,
        y_ND: Tensor,
        mean_N: Tensor,
        inverse_deviation_N: Tensor,
    ) -> None:
        """y = LayerNorm(x), with the statistics that the gradient needs. x and statistics wide, y stored."""

    def layer_norm_gradient(
        self,
        dy_ND: Tensor,
        x_ND: Tensor,
        weight_D: Tensor | None,
        mean_N: Tensor,
        inverse_deviation_N: Tensor,
        dx_ND: Tensor,
        dweight_D: Tensor | None,
        dbias_D: Tensor | None,
    ) -> None:
        """dx, dweight and dbias += the gradients of `layer_norm`; dy stored, the others wide."""

    def activation(self, x: Tensor, y: Tensor, kind: str) -> None:
        """y = activation(x), "gelu" or "relu"; both stored."""

    def activation_split(self, x: Tensor, y: Tensor, kind: str) -> None:
        """y = activation(x), and x becomes the slope activation'(x)."""

    def chain_and_sum(self, dy_NO: Tensor, slope_NO: Tensor, sums_O: Tensor) -> None:
        """dy *= slope (the chain rule through an activation), and sums += its columns' sums."""

    def attention(self, qkv_BTE: Tensor, num_heads: int, out_BTD: Tensor, log_sums_BHT: Tensor) -> None:
        """out = causal attention of the joined queries, keys and values; log_sums (wide) for the gradient."""

    def attention_gradient(
        self,
        dout_BTD: Tensor,
        qkv_BTE: Tensor,
        num_heads: int,
        out_BTD: Tensor,
        log_sums_BHT: Tensor,
        dqkv_BTE: Tensor,
    ) -> None:
        """dqkv = the gradient of `attention`."""

    def cross_entropy(
        self,
        logits_NV: Tensor,
        targets_N: Tensor,
        factor: float | Tensor,
        smoothing: float,
        loss_N: Tensor,
        hits_N: Tensor,
    ) -> None:
        """loss in nats (0 where the target is negative) and hits (1 where the likeliest token is the target).

        The logits become `factor` times the gradient of the losses' sum; the number 0.0: they are spoiled. On a GPU
        the factor may be a tensor (no dimension, wide), whose value is not looked at here.
        """


def choose_kernels(device: torch.device, dtype: torch.dtype) -> Kernels:
    """The kernels of a device. Raises NativeUnavailableError with the reason where there are none."""
    if device.type == "cpu":
        from mlmodels.custom_transformer.fast.native_kernels import NativeKernels

        return NativeKernels(dtype)
    if device.type == "cuda" and importlib.util.find_spec("triton") is not None:
        from mlmodels.custom_transformer.fast.triton_kernels import TritonKernels

        return TritonKernels(device, dtype)
    from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels

    return TorchKernels()
