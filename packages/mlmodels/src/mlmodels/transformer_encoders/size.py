"""How large an encoder is, from its config alone. Imports no torch."""

from mlmodels.transformer_encoders.config import BertClassifierConfig, BertConfig, EncoderConfig
from mlmodels.transformer_eras.size import attention_parameters, feed_forward_parameters, norm_parameters


def encoder_parameters(config: EncoderConfig) -> dict[str, int]:
    """Number of parameters of each part of the stack of blocks."""
    num_norms = 2 * config.n_layers + (config.norm_position == "pre")
    return {
        "attention": config.n_layers * attention_parameters(config),
        "feed_forward": config.n_layers * feed_forward_parameters(config),
        "norms": num_norms * norm_parameters(config),
    }


def count_parameters(config: BertConfig | BertClassifierConfig) -> dict[str, int]:
    """Number of parameters of each part; "total" is what the built model holds, a tied head counted once."""
    d = config.d_model
    parts = {
        "token_embedding": (config.vocab_size + config.num_own_tokens) * d,
        "position_embedding": config.num_positions * d * (config.positions == "learned"),
        "segment_embedding": config.num_segments * d,
        **encoder_parameters(config),
    }
    parts["norms"] += norm_parameters(config)  # of the embedding
    square = d * d + d
    if isinstance(config, BertConfig):
        head = config.vocab_size * (1 if config.tie_weights else d + 1)
        parts |= {"transform": square + norm_parameters(config), "head": head}
    else:
        parts |= {"pooler": square, "head": (d + 1) * config.num_classes}
    return {**parts, "total": sum(parts.values())}


def matmul_parameters(config: BertConfig | BertClassifierConfig) -> int:
    """Parameters that are not merely looked up. A tied embedding is the head's matrix."""
    parts = count_parameters(config)
    looked_up = parts["position_embedding"] + parts["segment_embedding"]
    is_tied = isinstance(config, BertConfig) and config.tie_weights
    return parts["total"] - looked_up - (0 if is_tied else parts["token_embedding"])


def flops_per_token(config: BertConfig | BertClassifierConfig, context: float) -> float:
    """Floating-point operations, forward and backward, of one token in texts of `context` tokens.

    6 for each parameter that is not looked up, and 12·d_model·context a block for attention (Kaplan et al., 2020): each
    token sees all others. A classifier's pooler and head work once a text.
    """
    parts = count_parameters(config)
    every_token = matmul_parameters(config)
    once = 0
    if isinstance(config, BertClassifierConfig):
        once = parts["pooler"] + parts["head"]
    attention = 12.0 * config.n_layers * config.d_model * context
    return 6.0 * (every_token - once) + 6.0 * once / context + attention
