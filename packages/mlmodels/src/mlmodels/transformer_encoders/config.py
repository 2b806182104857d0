"""The configs of the encoders. Imports no torch: a config is read before anything heavy."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlmodels.transformer_eras.shape import FeedForwardKind, NormKind, NormPosition, check_divides


class EncoderConfig(BaseModel):
    """Dimensions and parts of a stack of blocks in which every position sees all others (a `BlockShape`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    type: str
    d_model: int = Field(default=96, ge=1, description="width of the residual stream")
    n_layers: int = Field(default=3, ge=1, description="number of blocks")
    n_heads: int = Field(default=6, ge=1, description="heads a block; must divide d_model")
    d_ffn: int = Field(default=384, ge=1, description="width inside the feed-forward network")
    feed_forward: FeedForwardKind = "gelu"
    norm: NormKind = Field(default="layer_norm", description="rms_norm_plain has no parameters")
    norm_position: NormPosition = Field(
        default="post", description="after each sum, or before each part and once at the end"
    )
    norm_epsilon: float = Field(default=1e-12, gt=0, description="added to the variance in every norm")
    bias: bool = Field(default=True, description="linear layers of the blocks have biases")
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="on the embedding and on what each part adds; not on attention"
    )

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        check_divides("n_heads", self.n_heads, "d_model", self.d_model)
        return self

    @property
    def num_kv_heads(self) -> int:
        """Key and value heads: as many as query heads."""
        return self.n_heads

    @property
    def head_width(self) -> int:
        """Features of a head."""
        return self.d_model // self.n_heads

    @property
    def kv_width(self) -> int:
        """Features of all key heads together; of all value heads the same."""
        return self.d_model

    @property
    def qk_norm(self) -> bool:
        """Queries and keys are not normalised."""
        return False


class _BertShape(EncoderConfig):
    """What both heads stand on."""

    vocab_size: int = Field(
        default=512, ge=1, description="number of token ids, without those of the model's own"
    )
    max_seq_len: int = Field(default=128, ge=1, description="longest text in tokens")
    positions: Literal["learned", "rope"] = Field(
        default="learned", description="learned is added to the embedding, as in 2019; rope rotates"
    )
    rope_base: float = Field(default=10_000.0, gt=0)
    num_segments: int = Field(
        default=0, ge=0, description="kinds of segments with an embedding each (2019: 2); 0: none"
    )
    init_std: float = Field(default=0.02, gt=0, description="all matrices begin as N(0, init_std)")

    @model_validator(mode="after")
    def _rotations_turn_pairs(self) -> Self:
        if self.positions == "rope" and self.head_width % 2:
            raise ValueError(
                f"rope rotates pairs: d_model / n_heads must be even, not {self.head_width}; "
                "change n_heads or take positions: learned"
            )
        return self

    @property
    def num_own_tokens(self) -> int:
        """Token ids above the vocabulary that mean something to the model alone."""
        raise NotImplementedError

    @property
    def num_positions(self) -> int:
        """Positions that the blocks may ever see."""
        return self.max_seq_len


class BertConfig(_BertShape):
    """Dimensions and parts of `Bert`, a masked language model; the defaults have 407,264 parameters."""

    type: Literal["bert"] = "bert"
    tie_weights: bool = Field(default=True, description="the head shares the token embedding's weight")

    @property
    def num_own_tokens(self) -> int:
        """The mask."""
        return 1

    @property
    def mask_id(self) -> int:
        """The id that hides a token: the one above the vocabulary."""
        return self.vocab_size


class BertClassifierConfig(_BertShape):
    """Dimensions and parts of `BertClassifier`."""

    type: Literal["bert_classifier"] = "bert_classifier"
    num_classes: int = Field(default=2, ge=2, description="number of classes, K")
    pooling: Literal["class_token", "mean"] = Field(
        default="class_token",
        description="what the head sees: a token of its own before the text, or the mean of the text's tokens",
    )
    pad_id: int = Field(
        default=0, ge=0, description="token id of the padding on the right, where no lengths are given"
    )

    @model_validator(mode="after")
    def _padding_is_a_token(self) -> Self:
        if self.pad_id >= self.vocab_size:
            raise ValueError(f"pad_id {self.pad_id} is no token: vocab_size is {self.vocab_size}")
        return self

    @property
    def num_own_tokens(self) -> int:
        """The class token, if any."""
        return int(self.pooling == "class_token")

    @property
    def class_id(self) -> int:
        """The id of the class token."""
        return self.vocab_size

    @property
    def num_positions(self) -> int:
        """The text's, and one before it."""
        return self.max_seq_len + self.num_own_tokens
