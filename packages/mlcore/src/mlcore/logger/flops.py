"""Floating-point operations, by hand formula.

`torch.utils.flop_counter.FlopCounterMode` counts 0 for attention on CPU tensors; it is exact on meta tensors,
and the tests hold these formulas against it there. A multiply-add counts as two operations.
"""

from __future__ import annotations

from typing import Any


def count_parameters(model: Any, *, trainable_only: bool = False) -> int:
    """Number of elements in the parameters of a `torch.nn.Module`; tied parameters count once."""
    return sum(
        parameter.numel() for parameter in model.parameters() if parameter.requires_grad or not trainable_only
    )


def matmul_flops(num_rows: int, num_inner: int, num_columns: int, *, batch: int = 1) -> int:
    """Operations of `batch` products (num_rows, num_inner) @ (num_inner, num_columns)."""
    return 2 * batch * num_rows * num_inner * num_columns


def linear_flops(num_items: int, num_inputs: int, num_outputs: int, *, backward: bool = True) -> int:
    """Operations of a linear layer: one product forwards; two backwards (input's and weight's gradient)."""
    return (3 if backward else 1) * matmul_flops(num_items, num_inputs, num_outputs)


def attention_flops(
    num_queries: int, num_keys: int, d_model: int, *, batch: int = 1, backward: bool = True
) -> int:
    """Operations of the two products of attention over all heads (`d_model` = heads x head width).

    The full square is counted, as is usual, also where a causal mask would allow to skip half of it.
    """
    forward = 2 * matmul_flops(num_queries, d_model, num_keys, batch=batch)
    return (3 if backward else 1) * forward


def transformer_flops_per_token(
    num_matmul_parameters: int, num_layers: int, d_model: int, context: int, *, backward: bool = True
) -> float:
    """Operations per token of a decoder: 6 N + 12 L T d (forward and backward), 2 N + 4 L T d (forward only).

    `num_matmul_parameters` (N) are those that multiply activations: all weights of linear layers with the
    output head (tied or not), without the embedding look-up. T = `context`, L = `num_layers`.

    Source: Chowdhery et al., PaLM (2022), appendix B; the 6 N of Kaplan et al. (2020) plus attention.
    """
    factor = 3.0 if backward else 1.0
    return factor * (2 * num_matmul_parameters + 4 * num_layers * context * d_model)
