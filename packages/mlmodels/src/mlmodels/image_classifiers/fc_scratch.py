"""The NumPy classifier of `fc_numpy` as a model of the shared training loop.

torch keeps the parameters, so that its optimizers and checkpoints work as ever; NumPy computes with the same memory.
B batch, I values of an image, D features, K classes.
"""

import json
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers import fc_numpy
from mlmodels.image_classifiers.config import FcScratchConfig
from mlmodels.image_classifiers.fc import flatten_images
from mlmodels.image_classifiers.initialisation import initialise


class FcScratch(BaseModel):
    """The network of `FcClassifier` (without BatchNorm), differentiated by hand: no autograd, CPU only.

    Parameters have the names of `FcClassifier`'s and never require grad; gradients stand in their `.grad` and add
    up. Dropout masks come from a NumPy generator of the model's own, seeded by `init_weights` and kept in the
    state dict, so that a resumed training draws the masks that an uninterrupted one would have drawn.
    """

    def __init__(self, config: FcScratchConfig) -> None:
        super().__init__()
        self.config = config
        self.dtype = torch.float64 if config.dtype == "float64" else torch.float32
        widths = (config.input_size, *config.hidden_sizes)
        self.hidden = nn.ModuleList(_Layer(*pair, self.dtype) for pair in pairwise(widths))
        self.head = _Layer(widths[-1], config.num_classes, self.dtype)
        self.generator = np.random.default_rng(0)

    @property
    def dim(self) -> int:
        return self.head.weight.shape[1]

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The layer whose `weight` (outputs, I) can be looked at as images; it is never called."""
        return {"fc1": self._layers()[0]}

    @classmethod
    def from_config(cls, config: FcScratchConfig) -> Self:
        return cls(config)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Draw the layers as `FcClassifier` does (the same weights from the same generator), then the seed of the
        dropout masks."""
        for layer in self._layers():
            initialise(layer.weight, layer.bias, self.config.init, generator)
        seed = torch.randint(2**63 - 1, (), generator=generator, device="cpu")
        self.generator = np.random.default_rng(int(seed))

    @torch.no_grad()
    def loss_and_gradient(
        self, images: Tensor, labels: Tensor, scale: float = 1.0, *, label_smoothing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Forward, cross-entropy and backward: add the gradient of `scale` × loss to every `.grad`.

        Images are (B, C, H, W) or (B, I), labels integers (B,). Dropout is active in `train()` mode only. Returns
        the loss without the scale (a scalar: mean nats an image, and the penalty if `config.l2` is not 0) and the
        logits (B, K).

        Raises:
            ValueError: images of another size, labels that are no classes, or anything that is not on the CPU.
        """
        result = fc_numpy.loss_and_gradients(
            self._rows(images),
            self._checked_labels(labels, len(images)),
            self._arrays(),
            scale=scale,
            dropout=self.config.dropout,
            generator=self.generator if self.training else None,
            label_smoothing=label_smoothing,
            l2=self.config.l2,
        )
        for layer, gradient in zip(self._layers(), result.gradients, strict=True):
            layer.add_gradient(gradient)
        return torch.tensor(result.loss, dtype=self.dtype), torch.from_numpy(result.logits_BK)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Inference: (B, K), without dropout in either mode."""
        return torch.from_numpy(fc_numpy.forward(self._rows(images), self._arrays())[0])

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """What the head sees: (B, D), without dropout in either mode."""
        features_BD, _ = fc_numpy.hidden_forward(self._rows(images), self._arrays()[:-1])
        return torch.from_numpy(np.array(features_BD))  # a copy: without hidden layers it is the images

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W) or (B, I), never part of a graph; with dropout in `train()` mode."""
        generator = self.generator if self.training else None
        logits_BK, _ = fc_numpy.forward(self._rows(images), self._arrays(), self.config.dropout, generator)
        return torch.from_numpy(logits_BK)

    def get_extra_state(self) -> Tensor:
        """The state of the dropout generator: JSON as bytes, because code that walks a state dict expects
        tensors."""
        state = json.dumps(self.generator.bit_generator.state)
        return torch.tensor(list(state.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Continue the dropout masks where `get_extra_state` was called."""
        self.generator.bit_generator.state = json.loads(bytes(state.tolist()))

    def _layers(self) -> list["_Layer"]:
        return [*self.hidden, self.head]

    def _arrays(self) -> list[fc_numpy.Layer]:
        return [layer.arrays() for layer in self._layers()]

    def _rows(self, images: Tensor) -> fc_numpy.Array:
        for tensor, what in ((self.head.weight, "parameters"), (images, "images")):
            if tensor.device.type != "cpu":
                raise ValueError(
                    f"fc_scratch computes with NumPy on the CPU, but its {what} are on {tensor.device}: "
                    "choose device cpu, or model type fc"
                )
        return flatten_images(images.detach(), self.config.input_size).to(self.dtype).numpy()

    def _checked_labels(self, labels: Tensor, batch_size: int) -> fc_numpy.Labels:
        if labels.shape != (batch_size,):
            raise ValueError(f"labels of shape {tuple(labels.shape)} for {batch_size} images")
        wrong = labels[(labels < 0) | (labels >= self.config.num_classes)].unique().tolist()
        if wrong:  # NumPy would take -1 for the last class
            raise ValueError(
                f"labels {wrong[:5]} are no classes of the model, which has {self.config.num_classes} "
                f"(0 to {self.config.num_classes - 1})"
            )
        return labels.numpy()


class _Layer(nn.Module):
    """`weight` (outputs, inputs) and `bias` (outputs): parameters to torch, arrays to NumPy, one memory."""

    def __init__(self, num_inputs: int, num_outputs: int, dtype: torch.dtype) -> None:
        super().__init__()
        # requires_grad=False: autograd never sees them; their gradients are written by hand.
        self.weight = nn.Parameter(torch.zeros(num_outputs, num_inputs, dtype=dtype), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(num_outputs, dtype=dtype), requires_grad=False)

    def arrays(self) -> fc_numpy.Layer:
        """The parameters, not copied."""
        return fc_numpy.Layer(self.weight.numpy(), self.bias.numpy())

    def add_gradient(self, gradient: fc_numpy.Layer) -> None:
        """Add to `.grad`; the first gradient is kept as it is, `backward` makes fresh arrays."""
        for parameter, array in zip((self.weight, self.bias), gradient, strict=True):
            if parameter.grad is None:
                parameter.grad = torch.from_numpy(array)
            else:
                parameter.grad += torch.from_numpy(array)
