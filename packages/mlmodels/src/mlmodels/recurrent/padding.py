"""Sequences of different lengths in one batch, padded on the right.

T time, B batch, F features.
"""

import torch
from torch import Tensor


def checked_lengths(lengths_B: Tensor, batch_size: int, num_steps: int) -> Tensor:
    """`lengths_B` as integers.

    Raises:
        ValueError: not one for each sequence, or one outside 1 … num_steps.
    """
    if lengths_B.shape != (batch_size,):
        raise ValueError(f"lengths of shape {tuple(lengths_B.shape)} for {batch_size} sequences")
    if batch_size and not (int(lengths_B.min()) >= 1 and int(lengths_B.max()) <= num_steps):
        raise ValueError(f"lengths must lie in 1 … {num_steps}, not {lengths_B.unique().tolist()}")
    return lengths_B.long()


def lengths_without_padding(tokens_BT: Tensor, pad_id: int) -> Tensor:
    """(B,) each sequence up to its last token that is not `pad_id`, and at least one."""
    positions_T = torch.arange(1, tokens_BT.shape[1] + 1, device=tokens_BT.device)
    return ((tokens_BT != pad_id) * positions_T).amax(dim=1).clamp(min=1)


def is_valid(lengths_B: Tensor, num_steps: int) -> Tensor:
    """(T, B) true where a position is no padding."""
    return torch.arange(num_steps, device=lengths_B.device).unsqueeze(1) < lengths_B


def reverse_within_lengths(x_TBF: Tensor, lengths_B: Tensor) -> Tensor:
    """Each sequence back to front, its padding left where it is; twice is nothing. A backward direction that reads
    this forwards meets the padding last.
    """
    steps_T1 = torch.arange(x_TBF.shape[0], device=x_TBF.device).unsqueeze(1)
    mirrored_TB = lengths_B - 1 - steps_T1
    index_TB = torch.where(mirrored_TB >= 0, mirrored_TB, steps_T1)
    return x_TBF.gather(0, index_TB.unsqueeze(-1).expand_as(x_TBF))
