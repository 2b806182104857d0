"""How large the transformer is, from its config alone: parameters and floating-point operations. Imports no
torch.
"""

from mlmodels.custom_transformer.config import CustomTransformerConfig


def matmul_parameters(config: CustomTransformerConfig) -> int:
    """Weights that every token is multiplied with: those of the blocks and of the head."""
    d, block = config.d_model, 4 * config.d_model**2 + 2 * config.d_model * config.d_ffn
    return config.n_blocks * block + d * config.vocab_size


def count_parameters(config: CustomTransformerConfig) -> dict[str, int]:
    """Number of parameters of each part; "total" is what the built model holds, a tied head counted once."""
    d, affine = config.d_model, 2 * config.d_model if config.elementwise_affine else 0
    attention = 4 * (d * d + d)
    feed_forward = 2 * d * config.d_ffn + config.d_ffn + d
    parts = {
        "token_embedding": config.vocab_size * d,
        "position_embedding": config.max_seq_len * d,
        "attention": config.n_blocks * attention,
        "feed_forward": config.n_blocks * feed_forward,
        "norms": (2 * config.n_blocks + 1) * affine,
        "head": (0 if config.tie_weights else config.vocab_size * d)
        + (config.vocab_size if config.head_bias else 0),
    }
    return {**parts, "total": sum(parts.values())}


def flops_per_token(config: CustomTransformerConfig, context: int) -> float:
    """Floating-point operations, forward and backward, of one token in sequences of `context` tokens.

    Two for every multiply-add, backward twice the forward: 6 for each weight of a product, and 12·D·context
    in every block for q·kᵀ and weights·v over the whole (unmasked) context (Kaplan et al., 2020). Elementwise
    work is not counted.
    """
    return 6.0 * matmul_parameters(config) + 12.0 * config.n_blocks * config.d_model * context
