"""The kernels in plain torch, on any device: the oracle of the others, and what runs where there is nothing better.

They call the ops, whose caches are made again for the gradient. Legend of the suffixes in `kernels.py`.
"""

import torch
from torch import Tensor

from mlmodels.custom_transformer.ops import attention, cross_entropy, gelu, layer_norm, relu
from mlmodels.custom_transformer.precision import wide_dtype


class TorchKernels:
    """See `Kernels`."""

    name = "torch"

    def linear(
        self, x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, out_NO: Tensor, *, add: bool = False
    ) -> None:
        y_NO = x_NI @ weight_OI.T if bias_O is None else torch.addmm(bias_O.to(x_NI.dtype), x_NI, weight_OI.T)
        out_NO.add_(y_NO) if add else out_NO.copy_(y_NO)

    def linear_input_gradient(self, dy_NO: Tensor, weight_OI: Tensor, dx_NI: Tensor) -> None:
        torch.mm(dy_NO, weight_OI, out=dx_NI)

    def linear_weight_gradient(self, dy_NO: Tensor, x_NI: Tensor, dweight_OI: Tensor, *, add: bool) -> None:
        product_OI = dy_NO.T @ x_NI
        dweight_OI.add_(product_OI) if add else dweight_OI.copy_(product_OI)

    def column_sums(self, dy_NO: Tensor, sums_O: Tensor) -> None:
        sums_O += dy_NO.sum(dim=0, dtype=sums_O.dtype)

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
        y, cache = layer_norm.forward(x_ND, weight_D, bias_D, epsilon)
        y_ND.copy_(y)
        mean_N.copy_(x_ND.mean(dim=-1))
        inverse_deviation_N.copy_(cache.inverse_deviation.squeeze(-1))

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
        deviation_N1 = inverse_deviation_N.unsqueeze(-1)
        normed_ND = (x_ND - mean_N.unsqueeze(-1)) * deviation_N1
        cache = layer_norm.Cache(normed_ND, deviation_N1, weight_D, dbias_D is not None, x_ND.dtype)
        dx, dweight, dbias = layer_norm.backward(dy_ND, cache)
        for total, part in ((dx_ND, dx), (dweight_D, dweight), (dbias_D, dbias)):
            if total is not None and part is not None:
                total += part

    def activation(self, x: Tensor, y: Tensor, kind: str) -> None:
        y.copy_(gelu.forward(x)[0] if kind == "gelu" else relu.forward(x)[0])

    def activation_split(self, x: Tensor, y: Tensor, kind: str) -> None:
        self.activation(x, y, kind)
        ones = torch.ones_like(x, dtype=wide_dtype(x.dtype))
        if kind == "gelu":
            x.copy_(gelu.backward(ones, gelu.Cache(x)))
        else:
            x.copy_(relu.backward(ones, relu.Cache(x > 0, x.dtype)))

    def chain_and_sum(self, dy_NO: Tensor, slope_NO: Tensor, sums_O: Tensor) -> None:
        dy_NO *= slope_NO
        self.column_sums(dy_NO, sums_O)

    def attention(self, qkv_BTE: Tensor, num_heads: int, out_BTD: Tensor, log_sums_BHT: Tensor) -> None:
        q_BTD, k_BTD, v_BTD = qkv_BTE.chunk(3, dim=-1)
        y_BTD, _ = attention.forward(q_BTD, k_BTD, v_BTD, num_heads)
        out_BTD.copy_(y_BTD)

    def attention_gradient(
        self,
        dout_BTD: Tensor,
        qkv_BTE: Tensor,
        num_heads: int,
        out_BTD: Tensor,
        log_sums_BHT: Tensor,
        dqkv_BTE: Tensor,
    ) -> None:
        q_BTD, k_BTD, v_BTD = qkv_BTE.chunk(3, dim=-1)
        _, cache = attention.forward(q_BTD, k_BTD, v_BTD, num_heads)
        torch.cat(attention.backward(dout_BTD, cache), dim=-1, out=dqkv_BTE)

    def cross_entropy(
        self,
        logits_NV: Tensor,
        targets_N: Tensor,
        factor: float | Tensor,
        smoothing: float,
        loss_N: Tensor,
        hits_N: Tensor,
    ) -> None:
        hits_N.copy_(logits_NV.argmax(-1) == targets_N)
        _, cache = cross_entropy.forward(logits_NV, targets_N, label_smoothing=smoothing)
        counted_N = cache.counts_N1.squeeze(-1)
        log_sum_N = cache.log_sum_N1.squeeze(-1)
        expected_N = cache.shifted_NV.gather(-1, cache.safe_targets_N1).squeeze(-1)
        losses_N = log_sum_N - (1.0 - smoothing) * expected_N
        if smoothing:  # else 0 · -inf would not be a number
            losses_N -= smoothing * cache.shifted_NV.mean(dim=-1)
        loss_N.copy_(torch.where(counted_N, losses_N, 0.0))
        # The op's loss is a mean over the chunk's targets, this one a sum.
        dloss = factor * cache.num_counted
        logits_NV.copy_(cross_entropy.backward(dloss.to(loss_N.dtype), cache))
