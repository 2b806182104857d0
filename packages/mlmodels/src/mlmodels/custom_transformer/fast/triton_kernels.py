"""The kernels of a GPU: Triton beside this file (`triton/`), products and attention of torch.

Imports Triton. Legend of the suffixes in `kernels.py`.
"""

import torch
from torch import Tensor

from mlmodels.custom_transformer.fast import cuda_attention
from mlmodels.custom_transformer.fast.cuda_attention import Operator, choose_operator
from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels
from mlmodels.custom_transformer.fast.triton import activation, column_sums, cross_entropy, layer_norm
from mlmodels.custom_transformer.fast.workspace import Workspace

_aten = torch.ops.aten


class TritonKernels:
    """See `Kernels`. The same bits every time; nothing here waits for the GPU, so that a graph can record the calls."""

    name = "triton"

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.workspace = Workspace(device)
        self._capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else (0, 0)
        self._widens, self._widens_and_adds = widening_products(device, dtype)
        self._plain = TorchKernels()

    def linear(
        self, x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, out_NO: Tensor, *, add: bool = False
    ) -> None:
        """What is added, or wider than the product, goes through a buffer: the product's own kernel adds the bias, and
        one pass adds the result, which moves less than two passes over a wide `out` do.
        """
        direct = out_NO.dtype == x_NI.dtype and not add
        shape = (x_NI.shape[0], weight_OI.shape[0])
        y_NO = out_NO if direct else self.workspace.take("product", *shape, dtype=x_NI.dtype)
        if bias_O is None:
            torch.mm(x_NI, weight_OI.T, out=y_NO)
        else:
            torch.addmm(bias_O.to(x_NI.dtype), x_NI, weight_OI.T, out=y_NO)
        if not direct:
            out_NO.add_(y_NO) if add else out_NO.copy_(y_NO)

    def linear_input_gradient(self, dy_NO: Tensor, weight_OI: Tensor, dx_NI: Tensor) -> None:
        torch.mm(dy_NO, weight_OI, out=dx_NI)

    def linear_weight_gradient(self, dy_NO: Tensor, x_NI: Tensor, dweight_OI: Tensor, *, add: bool) -> None:
        """Where torch can, the product is written, or added, as wide as it was summed; else it is rounded before."""
        wide, same = dweight_OI.dtype, dweight_OI.dtype == dy_NO.dtype
        if same and add:
            torch.addmm(dweight_OI, dy_NO.T, x_NI, out=dweight_OI)
        elif same:
            torch.mm(dy_NO.T, x_NI, out=dweight_OI)
        elif add and self._widens_and_adds:
            _aten.addmm.dtype_out(dweight_OI, dy_NO.T, x_NI, wide, out=dweight_OI)
        elif not add and self._widens:
            _aten.mm.dtype_out(dy_NO.T, x_NI, wide, out=dweight_OI)
        else:
            rounded_OI = self.workspace.take("product", *dweight_OI.shape, dtype=dy_NO.dtype)
            torch.mm(dy_NO.T, x_NI, out=rounded_OI)
            dweight_OI.add_(rounded_OI) if add else dweight_OI.copy_(rounded_OI)

    def column_sums(self, dy_NO: Tensor, sums_O: Tensor) -> None:
        column_sums.column_sums(dy_NO, None, sums_O, self.workspace)

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
        layer_norm.layer_norm(x_ND, weight_D, bias_D, epsilon, y_ND, mean_N, inverse_deviation_N)

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
        layer_norm.layer_norm_gradient(
            *(dy_ND, x_ND, weight_D, mean_N, inverse_deviation_N, dx_ND, dweight_D, dbias_D), self.workspace
        )

    def activation(self, x: Tensor, y: Tensor, kind: str) -> None:
        activation.activation(x, y, None, kind)

    def activation_split(self, x: Tensor, y: Tensor, kind: str) -> None:
        activation.activation(x, y, x, kind)

    def chain_and_sum(self, dy_NO: Tensor, slope_NO: Tensor, sums_O: Tensor) -> None:
        column_sums.column_sums(dy_NO, slope_NO, sums_O, self.workspace)

    def attention(self, qkv_BTE: Tensor, num_heads: int, out_BTD: Tensor, log_sums_BHT: Tensor) -> None:
        """Where no fused operator fits (float64, a head size that is no multiple of 8 or 4) the ops do it, in T × T."""
        operator = self._operator(out_BTD, num_heads)
        if operator is None:
            self._plain.attention(qkv_BTE, num_heads, out_BTD, log_sums_BHT)
        else:
            cuda_attention.attention(operator, qkv_BTE, num_heads, out_BTD, log_sums_BHT)

    def attention_gradient(
        self,
        dout_BTD: Tensor,
        qkv_BTE: Tensor,
        num_heads: int,
        out_BTD: Tensor,
        log_sums_BHT: Tensor,
        dqkv_BTE: Tensor,
    ) -> None:
        operator = self._operator(out_BTD, num_heads)
        arguments = (dout_BTD, qkv_BTE, num_heads, out_BTD, log_sums_BHT, dqkv_BTE)
        if operator is None:
            self._plain.attention_gradient(*arguments)
        else:
            cuda_attention.attention_gradient(operator, *arguments)

    def cross_entropy(
        self,
        logits_NV: Tensor,
        targets_N: Tensor,
        factor: float | Tensor,
        smoothing: float,
        loss_N: Tensor,
        hits_N: Tensor,
    ) -> None:
        cross_entropy.cross_entropy(logits_NV, targets_N, factor, smoothing, loss_N, hits_N)

    def _operator(self, out_BTD: Tensor, num_heads: int) -> Operator | None:
        head_size = out_BTD.shape[-1] // num_heads
        return choose_operator(out_BTD.device.type, out_BTD.dtype, head_size, self._capability)


def widening_products(device: torch.device, dtype: torch.dtype) -> tuple[bool, bool]:
    """Whether torch multiplies `dtype` into float32 on this device without rounding, over old values and onto them.

    Found by trying: torch 2.11 to 2.15 differ in what they accept, and so do devices.
    """
    a, wide = torch.ones(8, 8, dtype=dtype, device=device), torch.ones(8, 8, device=device)

    def works(operation: torch._ops.OpOverload, *arguments: Tensor) -> bool:
        try:
            operation(*arguments, torch.float32, out=wide)
        except (RuntimeError, NotImplementedError, TypeError, IndexError):
            return False
        return True

    if dtype != torch.bfloat16:
        return False, False
    return works(_aten.mm.dtype_out, a, a), works(_aten.addmm.dtype_out, wide, a, a)
