"""The config of the transformer eras. Imports no torch: a config is read before anything heavy."""

from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlmodels.transformer_eras.presets import Phase, Size, preset
from mlmodels.transformer_eras.shape import FeedForwardKind, NormKind, NormPosition, check_divides


class EraTransformerConfig(BaseModel):
    """Dimensions and parts of `EraTransformer`. `phase` and `size` fill in every key that is not given."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    type: Literal["transformer_eras"] = "transformer_eras"
    phase: Phase | None = Field(default=None, description="an era's architecture; null: the keys below alone")
    size: Size = Field(default="primary", description="with a phase: 8.7 M, its alternative, nano, debug")
    vocab_size: int = Field(default=2048, ge=1, description="number of token ids")
    d_model: int = Field(default=320, ge=1, description="width of the residual stream")
    n_layers: int = Field(default=6, ge=1, description="number of blocks")
    n_heads: int = Field(default=10, ge=1, description="query heads a block; must divide d_model")
    n_kv_heads: int | None = Field(
        default=None, ge=1, description="key and value heads; must divide n_heads; null: as many"
    )
    d_ffn: int = Field(default=1280, ge=1, description="width inside the feed-forward network")
    max_seq_len: int = Field(default=256, ge=1, description="longest context in tokens")
    feed_forward: FeedForwardKind = "gelu"
    norm: NormKind = Field(default="layer_norm", description="rms_norm_plain has no parameters")
    norm_position: NormPosition = Field(
        default="pre", description="after each sum, or before each part and once at the end"
    )
    embedding_norm: bool = Field(default=False, description="a norm after the token embedding")
    positions: Literal["sinusoidal", "learned", "rope"] = Field(
        default="sinusoidal",
        description="sinusoidal is added to the embedding scaled by √d_model, learned to the plain one; rope rotates",
    )
    rope_base: float = Field(default=10_000.0, gt=0)
    bias: bool = Field(default=True, description="linear layers of the blocks have biases")
    head_bias: bool = False
    tie_weights: bool = Field(default=False, description="the head shares the token embedding's weight")
    value_embedding_layers: tuple[int, ...] = Field(
        default=(), description="blocks whose values are mixed with an embedding table of their own"
    )
    qk_norm: bool = Field(default=False, description="queries and keys are normalised, without parameters")
    residual_scalars: bool = Field(
        default=False, description="each block begins with a learned mix of the stream and the embedding"
    )
    logit_soft_cap: float | None = Field(default=None, gt=0, description="c·tanh(logit / c)")
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="on the embedding and on what each part adds; not on attention"
    )
    initialisation: Literal["xavier", "normal", "fan_in"] = "normal"
    init_std: float = Field(default=0.02, gt=0, description="of initialisation normal")

    @model_validator(mode="before")
    @classmethod
    def _fill_in_the_preset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("phase") not in get_args(Phase):
            return values
        size = values.get("size", "primary")
        return {**preset(values["phase"], size), **values} if size in get_args(Size) else values

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        check_divides("n_heads", self.n_heads, "d_model", self.d_model)
        check_divides("n_kv_heads", self.num_kv_heads, "n_heads", self.n_heads)
        if self.positions == "rope" and self.head_width % 2:
            raise ValueError(
                f"rope rotates pairs: d_model / n_heads must be even, not {self.head_width}; "
                "change n_heads or take positions: sinusoidal"
            )
        wrong = [layer for layer in self.value_embedding_layers if not 0 <= layer < self.n_layers]
        if wrong:
            raise ValueError(
                f"value_embedding_layers names block {wrong[0]}; they are 0 to {self.n_layers - 1}"
            )
        if self.tie_weights and self.initialisation == "fan_in":
            raise ValueError("initialisation fan_in begins with a head of zeros, which a tied head cannot be")
        return self

    @property
    def num_kv_heads(self) -> int:
        """Key and value heads."""
        return self.n_heads if self.n_kv_heads is None else self.n_kv_heads

    @property
    def head_width(self) -> int:
        """Features of a head."""
        return self.d_model // self.n_heads

    @property
    def kv_width(self) -> int:
        """Features of all key heads together; of all value heads the same."""
        return self.num_kv_heads * self.head_width

    @property
    def norm_epsilon(self) -> float:
        """Added to the variance in every norm, in every era."""
        return 1e-5
