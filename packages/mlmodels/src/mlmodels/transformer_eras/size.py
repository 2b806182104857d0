"""How large an era's transformer is, from its config alone. Imports no torch."""

from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.shape import BlockShape


def count_parameters(config: EraTransformerConfig) -> dict[str, int]:
    """Number of parameters of each part; "total" is what the built model holds, a tied head counted once."""
    d, layers = config.d_model, config.n_layers
    num_norms = 2 * layers + (config.norm_position == "pre") + config.embedding_norm
    num_tables = len(config.value_embedding_layers)
    parts = {
        "token_embedding": config.vocab_size * d,
        "position_embedding": config.max_seq_len * d * (config.positions == "learned"),
        "value_embeddings": num_tables * config.vocab_size * config.kv_width,
        "attention": layers * attention_parameters(config),
        "feed_forward": layers * feed_forward_parameters(config),
        "norms": num_norms * norm_parameters(config),
        "scalars": 2 * layers * config.residual_scalars + 2 * num_tables,
        "head": (0 if config.tie_weights else config.vocab_size * d) + config.vocab_size * config.head_bias,
    }
    return {**parts, "total": sum(parts.values())}


def matmul_parameters(config: EraTransformerConfig) -> int:
    """Parameters that are not merely looked up: all but untied embeddings. A tied embedding is the head's matrix."""
    parts = count_parameters(config)
    looked_up = parts["value_embeddings"] + parts["position_embedding"]
    looked_up += 0 if config.tie_weights else parts["token_embedding"]
    return parts["total"] - looked_up


def flops_per_token(config: EraTransformerConfig, context: int) -> float:
    """Floating-point operations, forward and backward, of one token in sequences of `context` tokens.

    6 for each parameter that is not looked up, and 6·d_model·context a block for attention: the causal half of the
    12·d_model·context of Kaplan et al. (2020).
    """
    return 6.0 * matmul_parameters(config) + 6.0 * config.n_layers * config.d_model * context


def cache_values_per_token(config: EraTransformerConfig) -> int:
    """Numbers that a KV cache holds for each position of a sequence."""
    return 2 * config.n_layers * config.kv_width


def norm_parameters(config: BlockShape) -> int:
    """Parameters of one norm."""
    return {"layer_norm": 2, "rms_norm": 1, "rms_norm_plain": 0}[config.norm] * config.d_model


def attention_parameters(config: BlockShape) -> int:
    """Parameters of one block's attention, value scalars aside."""
    d, kv = config.d_model, config.kv_width
    return 2 * d * d + 2 * d * kv + (2 * d + 2 * kv) * config.bias


def feed_forward_parameters(config: BlockShape) -> int:
    """Parameters of one block's feed-forward network."""
    d, inner = config.d_model, config.d_ffn
    num_inner = 2 if config.feed_forward == "swiglu" else 1
    return (num_inner + 1) * d * inner + (num_inner * inner + d) * config.bias
