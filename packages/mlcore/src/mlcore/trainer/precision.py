"""Mixed precision: autocast and, for fp16, dynamic loss scaling (Micikevicius et al., 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from mlcore.device import choose_precision


class MixedPrecision:
    """Autocast for the forward pass and the scaler's part in an update.

    Args:
        name: "auto", "off", "float32", "bf16", "fp16", True or False.
        device: where the model is.
    """

    def __init__(self, name: str | bool, device: torch.device) -> None:
        self.choice = choose_precision(name, device)
        self.device = device
        self.scaler = torch.amp.GradScaler(device.type) if self.choice.uses_scaler else None

    def autocast(self) -> AbstractContextManager[None]:
        """Around a forward pass and its loss."""
        if self.choice.autocast is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.choice.autocast)

    @property
    def loss_scale(self) -> float:
        """What gradients are multiplied with while they are computed; 1 without a scaler."""
        if self.scaler is None:
            return 1.0
        # Scaling something is the public way to bring the scaler's tensors to life before ``unscale_`` needs
        # them.
        return float(self.scaler.scale(torch.ones((), device=self.device)))

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Divide the gradients by the scale and take note of infinities."""
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)

    def adjust(self) -> bool:
        """After ``unscale``, whether or not an update followed: halve the scale on overflow, let it grow
        otherwise.

        Returns:
            Whether the scale was lowered and can be lowered further: an overflow that scaling may still cure.
        """
        if self.scaler is None:
            return False
        before = self.scaler.get_scale()
        self.scaler.update()
        after = self.scaler.get_scale()
        return 1.0 <= after < before

    def metrics(self) -> dict[str, float]:
        """For the log: the loss scale, where there is one."""
        return {} if self.scaler is None else {"loss_scale": self.scaler.get_scale()}

    def state_dict(self) -> dict[str, Any] | None:
        """The scaler's state; None without one."""
        return None if self.scaler is None else self.scaler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any] | None) -> None:
        """Restore the scaler. A run that now has none ignores the state, one that had none begins a new
        scale.
        """
        if self.scaler is not None and state is not None:
            self.scaler.load_state_dict(dict(state))
