"""The KV cache of one block: keys and values of the positions seen so far, in buffers made once.

B batch, T positions held after the call, S positions added, M room, D features.
"""

import torch
from torch import Tensor


class KeyValues:
    """Grows by `extend`; never beyond the room it was made with."""

    def __init__(
        self, batch_size: int, room: int, num_features: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.keys_BMD = torch.empty(batch_size, room, num_features, dtype=dtype, device=device)
        self.values_BMD = torch.empty_like(self.keys_BMD)
        self.length = 0

    def extend(self, keys_BSD: Tensor, values_BSD: Tensor) -> tuple[Tensor, Tensor]:
        """Append S positions and return all keys_BTD and values_BTD held."""
        end = self.length + keys_BSD.shape[1]
        assert end <= self.keys_BMD.shape[1], f"{end} positions in a cache for {self.keys_BMD.shape[1]}"
        self.keys_BMD[:, self.length : end] = keys_BSD
        self.values_BMD[:, self.length : end] = values_BSD
        self.length = end
        return self.keys_BMD[:, :end], self.values_BMD[:, :end]
