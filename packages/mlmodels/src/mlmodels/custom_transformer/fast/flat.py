"""A model's parameters in one vector, and their gradients in another.

One vector is cast, normed or saved in one call; the parameters are views of it, so that nothing else notices.
"""

import torch
from torch import Tensor, nn

_ALIGNMENT = 16  # elements; a view begins on a cache line


class FlatParameters:
    """Parameters keep their identity: optimizers and state dicts go on working.

    Attributes:
        values: all parameters, one after the other, with gaps of at most 15 zeros.
    """

    def __init__(self, model: nn.Module) -> None:
        self.parameters = list(model.parameters())
        first = self.parameters[0]
        self._offsets: dict[int, int] = {}
        size = 0
        for parameter in self.parameters:
            self._offsets[id(parameter)] = size
            size += -(-parameter.numel() // _ALIGNMENT) * _ALIGNMENT
        self.values = torch.zeros(size, dtype=first.dtype, device=first.device)
        self._gradients: Tensor | None = None

    def belongs_to(self, model: nn.Module) -> bool:
        """Whether the model's parameters are still the same objects."""
        own = list(model.parameters())
        return len(own) == len(self.parameters) and all(
            a is b for a, b in zip(own, self.parameters, strict=True)
        )

    @torch.no_grad()
    def gather(self) -> None:
        """Make every parameter a view of `values`, with the value it has now; cheap where it is one already.

        A parameter stops being one when its module is moved or its `.data` replaced.
        """
        start, size = self.values.data_ptr(), self.values.element_size()
        for parameter in self.parameters:
            if parameter.data_ptr() != start + size * self._offsets[id(parameter)]:
                view = self._view(self.values, parameter)
                view.copy_(parameter)
                parameter.data = view

    def gradient(self, parameter: nn.Parameter) -> tuple[Tensor, bool]:
        """Where the parameter's gradient is to be written, and whether it is to be added to what is there.

        The first of a step is written over old memory, never zeroed before: `.grad` was None.
        """
        if parameter.grad is not None:
            return parameter.grad, True
        if self._gradients is None:
            self._gradients = torch.empty_like(self.values)
        parameter.grad = self._view(self._gradients, parameter)
        return parameter.grad, False

    def summed_gradient(self, parameter: nn.Parameter) -> Tensor:
        """The parameter's gradient to add to, zero at first."""
        gradient, add = self.gradient(parameter)
        return gradient if add else gradient.zero_()

    def view_of(self, vector: Tensor, parameter: nn.Parameter) -> Tensor:
        """The part of another vector like `values` (a copy in another dtype) that belongs to a parameter."""
        return self._view(vector, parameter)

    def _view(self, vector: Tensor, parameter: nn.Parameter) -> Tensor:
        offset = self._offsets[id(parameter)]
        return vector[offset : offset + parameter.numel()].view(parameter.shape)
