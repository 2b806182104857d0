"""What keeps a query from looking ahead, for torch's attention."""

from typing import Any

import torch


def causal_arguments(num_queries: int, num_keys: int, device: torch.device) -> dict[str, Any]:
    """Arguments of `scaled_dot_product_attention`: the queries are the last of the keys' positions."""
    if num_queries == num_keys:
        return {"is_causal": True}
    if num_queries == 1:
        return {}
    every = torch.ones(num_queries, num_keys, dtype=torch.bool, device=device)
    return {"attn_mask": every.tril(num_keys - num_queries)}
