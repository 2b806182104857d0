"""What every model here shares: a width, weights that initialise themselves, and a way in from a config."""

from abc import ABCMeta, abstractmethod
from typing import Any, Self

import torch
from torch import nn


class _InitialisedAfterConstruction(ABCMeta):
    """Calls `init_weights()` once, after the whole chain of constructors has run.

    A call at the end of `BaseModel.__init__` would come too early: the subclass has not made its layers yet.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        model = super().__call__(*args, **kwargs)
        model.init_weights()
        return model


class BaseModel(nn.Module, metaclass=_InitialisedAfterConstruction):
    """Base of all models: `forward()`, `dim`, `init_weights()` (called at construction), `from_config()`."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Width of the model's hidden state, in features."""

    @abstractmethod
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Map a batch to the model's output."""

    @abstractmethod
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Set every parameter to its starting value, drawing from `generator` (None: torch's global one)."""

    @classmethod
    def from_config(cls, config: Any) -> Self:
        """Build the model that `config` describes; models whose constructor takes more override this."""
        return cls(config)

    def num_parameters(self) -> int:
        """All parameters, a shared one counted once."""
        return sum(parameter.numel() for parameter in self.parameters())
