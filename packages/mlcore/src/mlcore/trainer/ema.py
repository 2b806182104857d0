"""Exponential moving average of the weights (Polyak and Juditsky, 1992), kept by torch's own
``AveragedModel``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class WeightAverage:
    """average <- decay * average + (1 - decay) * weights, after every update; the first one copies. Buffers
    are copied.

    Args:
        model: its copy holds the average.
        decay: between 0 and 1, for example 0.999: about the last thousand updates.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
        self._averaged.requires_grad_(False)

    @property
    def model(self) -> nn.Module:
        """A model of the same class with the averaged weights."""
        return self._averaged.module

    def update(self, model: nn.Module) -> None:
        """Take in the weights after an update."""
        self._averaged.update_parameters(model)

    def state_dict(self) -> dict[str, Any]:
        """``{"model": weights under the model's own names, "num_updates": n}``."""
        return {"model": self.model.state_dict(), "num_updates": int(self._averaged.n_averaged)}

    def load_state_dict(self, state: Mapping[str, Any] | None, model: nn.Module) -> None:
        """Restore the average; None, from a run that kept none, begins a new one with the weights of
        ``model``.
        """
        if state is None:
            self.model.load_state_dict(model.state_dict())
            self._averaged.n_averaged.zero_()
            return
        self.model.load_state_dict(state["model"])
        self._averaged.n_averaged.fill_(int(state["num_updates"]))


def weights_for_inference(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The weights that were validated: of a checkpoint with an average that, else the model's own."""
    average = state.get("ema")
    return state["model"] if average is None else average["model"]
