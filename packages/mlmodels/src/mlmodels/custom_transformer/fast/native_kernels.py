"""The kernels of the CPU: C++ beside this file (`native/`), and attention and products of `mlmodels.native`.

Legend of the suffixes in `kernels.py`.
"""

import ctypes
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlmodels.custom_transformer.fast.kernels import ACTIVATIONS
from mlmodels.native import load_library, products
from mlmodels.native.attention import attention_backward, attention_forward

SOURCE = Path(__file__).with_name("native") / "kernels.cpp"
# From here on torch's bfloat16 product with a weight of so many rows takes twice as long as ours: it packs them anew.
_MANY_COLUMNS = 16_384
_SUFFIXES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float64: "f64"}
_POINTER, _SIZE, _INTEGER, _DOUBLE = ctypes.c_void_p, ctypes.c_long, ctypes.c_int, ctypes.c_double
_ARGUMENTS: dict[str, list[Any]] = {
    "layer_norm_forward": [*[_POINTER] * 3, _DOUBLE, *[_POINTER] * 3, _SIZE, _SIZE, _INTEGER],
    "layer_norm_backward": [*[_POINTER] * 8, _SIZE, _SIZE, _INTEGER],
    "activation_forward": [_POINTER, _POINTER, _SIZE, _INTEGER, _INTEGER],
    "activation_split": [_POINTER, _POINTER, _SIZE, _INTEGER, _INTEGER],
    "scale_and_sum_columns": [_POINTER, _POINTER, _POINTER, _SIZE, _SIZE, _INTEGER],
    "cross_entropy": [_POINTER, _POINTER, _DOUBLE, _DOUBLE, _POINTER, _POINTER, _SIZE, _SIZE, _INTEGER],
}


class NativeKernels:
    """Raises NativeUnavailableError at construction where the library cannot be compiled."""

    name = "native"

    def __init__(self, dtype: torch.dtype) -> None:
        library = load_library(SOURCE)
        self._functions = {}
        for name, arguments in _ARGUMENTS.items():
            function = library[f"{name}_{_SUFFIXES[dtype]}"]
            function.argtypes, function.restype = arguments, None
            self._functions[name] = function
        self._own_products = products.is_worthwhile(dtype)
        self._has_tiles = dtype == torch.bfloat16 and products.has_tiles()
        self._rounded: dict[
            tuple[int, int], Tensor
        ] = {}  # of products that are rounded before they are added

    def linear(
        self, x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, out_NO: Tensor, *, add: bool = False
    ) -> None:
        if self._is_for_us(x_NI, out_NO):
            products.multiply(x_NI, weight_OI.T, out_NO, bias_N=bias_O, add=add)
        elif out_NO.dtype == x_NI.dtype and not add and bias_O is None:
            torch.mm(x_NI, weight_OI.T, out=out_NO)
        elif out_NO.dtype == x_NI.dtype and not add:
            assert bias_O is not None
            torch.addmm(bias_O.to(x_NI.dtype), x_NI, weight_OI.T, out=out_NO)
        else:
            self._write(x_NI, weight_OI.T, out_NO, add)
            if bias_O is not None:
                out_NO += bias_O

    def linear_input_gradient(self, dy_NO: Tensor, weight_OI: Tensor, dx_NI: Tensor) -> None:
        if self._is_for_us(dy_NO, dx_NI):
            products.multiply(dy_NO, weight_OI, dx_NI)
        else:
            torch.mm(dy_NO, weight_OI, out=dx_NI)

    def linear_weight_gradient(self, dy_NO: Tensor, x_NI: Tensor, dweight_OI: Tensor, *, add: bool) -> None:
        if self._is_for_us(dy_NO, dweight_OI):
            products.multiply(dy_NO.T, x_NI, dweight_OI, add=add)
        else:
            self._write(dy_NO.T, x_NI, dweight_OI, add)

    def column_sums(self, dy_NO: Tensor, sums_O: Tensor) -> None:
        self._call("scale_and_sum_columns", dy_NO, None, sums_O, *dy_NO.shape)

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
        self._call(
            "layer_norm_forward",
            *(x_ND, weight_D, bias_D, epsilon, y_ND, mean_N, inverse_deviation_N),
            *x_ND.shape,
        )

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
        self._call(
            "layer_norm_backward",
            *(dy_ND, x_ND, weight_D, mean_N, inverse_deviation_N, dx_ND, dweight_D, dbias_D),
            *x_ND.shape,
        )

    def activation(self, x: Tensor, y: Tensor, kind: str) -> None:
        self._call("activation_forward", x, y, x.numel(), ACTIVATIONS[kind])

    def activation_split(self, x: Tensor, y: Tensor, kind: str) -> None:
        self._call("activation_split", x, y, x.numel(), ACTIVATIONS[kind])

    def chain_and_sum(self, dy_NO: Tensor, slope_NO: Tensor, sums_O: Tensor) -> None:
        self._call("scale_and_sum_columns", dy_NO, slope_NO, sums_O, *dy_NO.shape)

    def attention(self, qkv_BTE: Tensor, num_heads: int, out_BTD: Tensor, log_sums_BHT: Tensor) -> None:
        attention_forward(qkv_BTE, num_heads, out_BTD, log_sums_BHT)

    def attention_gradient(
        self,
        dout_BTD: Tensor,
        qkv_BTE: Tensor,
        num_heads: int,
        out_BTD: Tensor,
        log_sums_BHT: Tensor,
        dqkv_BTE: Tensor,
    ) -> None:
        attention_backward(dout_BTD, qkv_BTE, num_heads, out_BTD, log_sums_BHT, dqkv_BTE)

    def cross_entropy(
        self,
        logits_NV: Tensor,
        targets_N: Tensor,
        factor: float | Tensor,
        smoothing: float,
        loss_N: Tensor,
        hits_N: Tensor,
    ) -> None:
        numbers = float(factor), smoothing
        self._call("cross_entropy", logits_NV, targets_N, *numbers, loss_N, hits_N, *logits_NV.shape)

    def _call(self, name: str, *arguments: Tensor | float | None) -> None:
        """Give the C function the tensors' addresses, the numbers as they are, and the number of threads."""
        words = [_address(value) if isinstance(value, Tensor) else value for value in arguments]
        self._functions[name](*words, torch.get_num_threads())

    def _is_for_us(self, factor: Tensor, out: Tensor) -> bool:
        """Whether our own product is the faster one; see `mlmodels.native.products`."""
        if not self._has_tiles:
            return self._own_products
        return out.dtype != factor.dtype or out.shape[1] >= _MANY_COLUMNS

    def _write(self, a: Tensor, b: Tensor, out: Tensor, add: bool) -> None:
        """out = or += a b, where torch's product must be rounded to the compute dtype before it is widened."""
        if out.dtype == a.dtype and not add:
            torch.mm(a, b, out=out)
            return
        if out.dtype == a.dtype:
            torch.addmm(out, a, b, out=out)
            return
        size = (a.shape[0], b.shape[1])
        if size not in self._rounded:
            self._rounded[size] = torch.empty(size, dtype=a.dtype)
        rounded = torch.mm(a, b, out=self._rounded[size])
        out.add_(rounded) if add else out.copy_(rounded)


def _address(tensor: Tensor) -> int:
    assert tensor.is_contiguous(), f"strides {tensor.stride()} of {tuple(tensor.shape)}"
    return tensor.data_ptr()
