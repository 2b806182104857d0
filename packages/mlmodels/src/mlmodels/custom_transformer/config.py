"""The config of the hand-written transformer. Imports no torch: a config is read before anything heavy."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class CustomTransformerConfig(BaseModel):
    """Dimensions and options of `CustomTransformer`. The defaults are those of the original wrapper."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    type: Literal["custom_transformer"] = "custom_transformer"
    vocab_size: int = Field(default=4096, ge=1, description="number of token ids")
    d_model: int = Field(default=256, ge=1, description="width of the residual stream")
    n_blocks: int = Field(default=4, ge=1, description="number of transformer blocks")
    n_heads: int = Field(default=4, ge=1, description="attention heads a block; must divide d_model")
    d_ffn: int = Field(default=512, ge=1, description="width inside the feed-forward network")
    max_seq_len: int = Field(default=256, ge=1, description="longest context in tokens")
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="probability of dropping a value")
    tie_weights: bool = Field(default=False, description="the head shares the token embedding's weight")
    head_bias: bool = Field(default=True, description="the head adds a bias for every token id")
    activation: Literal["gelu", "relu"] = "gelu"
    elementwise_affine: bool = Field(default=True, description="LayerNorms have a weight and a bias")
    init_std: float = Field(
        default=0.02, gt=0.0, description="standard deviation of the initial weights; short runs like 0.05"
    )
    layer_norm_epsilon: float = Field(default=1e-5, gt=0.0)
    dtype: Literal["bfloat16", "float32", "float64"] = Field(
        default="bfloat16", description="dtype of the matrix products; parameters are never below float32"
    )
    kernels: Literal["reference", "fast", "auto"] = Field(
        default="auto",
        description="reference: the readable ops; fast: the same in fused kernels; auto: fast where it works",
    )
    recompute_activations: bool = Field(
        default=False, description="fast path: keep only each block's input, and compute the rest again"
    )

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.d_model % self.n_heads:
            divisors = [n for n in range(1, self.d_model + 1) if self.d_model % n == 0]
            nearest = min(divisors, key=lambda n: abs(n - self.n_heads))
            raise ValueError(
                f"n_heads {self.n_heads} does not divide d_model {self.d_model}; nearest that does: {nearest}"
            )
        return self
