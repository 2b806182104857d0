"""The hidden state between two windows: torch's form outside, a tuple of tensors inside.

L layers times directions, B batch, H hidden units.
"""

import torch
from torch import Tensor

State = Tensor | tuple[Tensor, Tensor]  # (L, B, H): h of a GRU or RNN; h and c of an LSTM
Tensors = tuple[Tensor, ...]  # (h,) or (h, c)


def detach_state(state: State) -> State:
    """The same state without its history: the next window's gradient ends at its beginning (truncated
    backpropagation through time: Williams and Peng, 1990).
    """
    if isinstance(state, Tensor):
        return state.detach()
    return state[0].detach(), state[1].detach()


def state_to(state: State, device: torch.device | str) -> State:
    """The same state on a device."""
    if isinstance(state, Tensor):
        return state.to(device)
    return state[0].to(device), state[1].to(device)


def state_of(tensors: Tensors) -> State:
    """(h,) → h, (h, c) → (h, c)."""
    return tensors[0] if len(tensors) == 1 else (tensors[0], tensors[1])


def checked_tensors(state: State, num_tensors: int, shape: tuple[int, ...]) -> Tensors:
    """A caller's state as a tuple.

    Raises:
        ValueError: not the right number of tensors, or one that is not of `shape`.
    """
    tensors = (state,) if isinstance(state, Tensor) else tuple(state)
    if len(tensors) != num_tensors:
        wanted = "a pair (h, c)" if num_tensors == 2 else "one tensor h"
        raise ValueError(f"the state of this cell is {wanted}, not {len(tensors)} tensor(s)")
    for tensor in tensors:
        if tensor.shape != shape:
            raise ValueError(f"a state of shape {tuple(tensor.shape)}; this input needs {shape}")
    return tensors
