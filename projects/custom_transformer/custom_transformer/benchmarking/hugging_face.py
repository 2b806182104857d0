"""Hugging Face's GPT-2 with our dimensions and our weights. Needs `transformers`, which only benchmarks use."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

LIBRARY = "transformers"
# Their layer and ours. Their linear layers keep the weight as (in, out), so it is transposed.
_BLOCK = {
    "ln_1": "norm_1",
    "attn.c_attn": "qkv",
    "attn.c_proj": "project",
    "ln_2": "norm_2",
    "mlp.c_fc": "up",
    "mlp.c_proj": "down",
}


def gpt2_of(
    config: CustomTransformerConfig,
    weights: Mapping[str, Tensor],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> "GPT2LMHeadModel":
    """The peer that computes what our model computes.

    Its head is tied and has no bias, as GPT-2's is. The activation is ours: GPT-2's own approximation of GELU takes
    four times as long in eager mode on a CPU.

    Raises:
        ValueError: the config has a head that GPT-2 cannot have.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    if not config.tie_weights or config.head_bias or not config.elementwise_affine or config.dropout:
        raise ValueError("this GPT-2 has a tied head without bias, norms with weights and no dropout")
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.max_seq_len,
            n_embd=config.d_model,
            n_layer=config.n_blocks,
            n_head=config.n_heads,
            n_inner=config.d_ffn,
            activation_function=config.activation,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            layer_norm_epsilon=config.layer_norm_epsilon,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    model.load_state_dict(renamed(config.n_blocks, weights))
    nn.Module.to(model, device, dtype)  # theirs is annotated as a function of another class
    return model


def renamed(num_blocks: int, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under GPT-2's names."""
    theirs = {
        "transformer.wte.weight": weights["token_embedding.weight"],
        "transformer.wpe.weight": weights["position_embedding.weight"],
        "transformer.ln_f.weight": weights["norm.weight"],
        "transformer.ln_f.bias": weights["norm.bias"],
        "lm_head.weight": weights["token_embedding.weight"],
    }
    for number in range(num_blocks):
        for name, own in _BLOCK.items():
            weight, bias = (weights[f"blocks.{number}.{own}.{part}"] for part in ("weight", "bias"))
            theirs[f"transformer.h.{number}.{name}.weight"] = (
                weight.T.contiguous() if weight.ndim == 2 else weight
            )
            theirs[f"transformer.h.{number}.{name}.bias"] = bias
    return theirs
