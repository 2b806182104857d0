"""Starting weights of the eras: each begins with a loss of nearly ln V."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from mlmodels.transformer_eras.model import EraTransformer


@torch.no_grad()
def initialise(model: "EraTransformer", generator: torch.Generator | None = None) -> None:
    """Draw every parameter anew.

    xavier: Xavier-uniform matrices (Glorot and Bengio, 2010), embeddings of variance 1 / d_model, which their scaling
    by √d_model makes 1. normal: N(0, init_std), and what is added to the stream smaller by √(2 · n_layers) (Radford et
    al., 2019). fan_in: uniform of variance 1 / fan-in; head and what is added to the stream are zero, so that the model
    begins as its embedding (Jordan et al., 2024).
    """
    _set_what_is_not_drawn(model)
    config = model.config
    outputs = {
        layer for block in model.blocks for layer in (block.attention.output, block.feed_forward.output)
    }
    for layer in (module for module in model.modules() if isinstance(module, nn.Linear)):
        if config.initialisation == "xavier":
            nn.init.xavier_uniform_(layer.weight, generator=generator)
        elif config.initialisation == "normal":
            shrink = math.sqrt(2 * config.n_layers) if layer in outputs else 1.0
            nn.init.normal_(layer.weight, 0.0, config.init_std / shrink, generator=generator)
        elif layer in outputs or layer is model.head:
            nn.init.zeros_(layer.weight)
        else:
            _uniform(layer.weight, layer.in_features, generator)
    deviations = {"xavier": config.d_model**-0.5, "normal": config.init_std, "fan_in": 1.0}
    # After the head, whose weight this is where it is tied.
    nn.init.normal_(model.token_embedding.weight, 0.0, deviations[config.initialisation], generator=generator)
    for table in model.value_embeddings.values():
        assert isinstance(table, nn.Embedding)
        _uniform(table.weight, config.d_model, generator)


def _uniform(weight: Tensor, fan_in: int, generator: torch.Generator | None) -> None:
    bound = math.sqrt(3 / fan_in)
    nn.init.uniform_(weight, -bound, bound, generator=generator)


@torch.no_grad()
def reset_biases_and_norms(model: nn.Module) -> None:
    """Biases of linear layers to 0, scales of norms to 1 and their shifts to 0."""
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm | nn.RMSNorm):
            module.reset_parameters()


def _set_what_is_not_drawn(model: "EraTransformer") -> None:
    reset_biases_and_norms(model)
    for block in model.blocks:
        if block.attention.value_scalars is not None:
            nn.init.constant_(block.attention.value_scalars, 0.5)
    if model.stream_scalars is not None and model.embedding_scalars is not None:
        nn.init.ones_(model.stream_scalars)
        nn.init.zeros_(model.embedding_scalars)
