"""The configs of the recurrent models. Imports no torch: a config is read before anything heavy."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

CellName = Literal["lstm", "gru", "rnn"]
Kernels = Literal["reference", "fast", "auto"]
Pooling = Literal["mean", "max", "last"]


class _RecurrentConfig(BaseModel):
    """What all of them have: an embedding and a stack of recurrent layers."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    type: str
    cell: CellName = Field(default="lstm", description="lstm, gru, or rnn (tanh)")
    vocab_size: int = Field(default=67, ge=1, description="number of token ids")
    embedding_size: int = Field(default=192, ge=1, description="width of the token embedding")
    hidden_size: int = Field(default=384, ge=1, description="hidden units of a layer, each direction")
    num_layers: int = Field(default=2, ge=1, description="recurrent layers on top of one another")
    dropout: float = Field(
        default=0.0, ge=0.0, lt=1.0, description="probability of dropping a value between two layers"
    )
    embedding_dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="the same, of the embedding")
    output_dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="the same, before the head")
    layer_norm: bool = Field(
        default=True, description="normalise what comes from below and from the past, each by itself"
    )
    kernels: Kernels = Field(
        default="auto",
        description="reference: the readable loop; fast: fused kernels with hand-written gradients; auto: the "
        "fastest that works (on CUDA without layer_norm: cuDNN)",
    )

    @property
    def num_directions(self) -> int:
        """2 where a second direction reads from the end."""
        return 2 if getattr(self, "bidirectional", False) else 1


class RecurrentLanguageModelConfig(_RecurrentConfig):
    """Dimensions and options of `RecurrentLanguageModel`; the defaults have 2,121,475 parameters."""

    type: Literal["recurrent_language_model"] = "recurrent_language_model"
    bidirectional: bool = Field(default=False, description="must stay false: see the error it gives")

    @model_validator(mode="after")
    def _only_the_past_is_read(self) -> Self:
        if self.bidirectional:
            raise ValueError(
                "bidirectional true is refused for a next-token model: its backward direction reads the very token "
                "that is to be predicted, so its loss means nothing and it cannot generate; use bidirectional false, "
                "or type recurrent_classifier for whole sequences"
            )
        return self


class RecurrentClassifierConfig(_RecurrentConfig):
    """Dimensions and options of `RecurrentClassifier`, which reads a whole sequence before it answers."""

    type: Literal["recurrent_classifier"] = "recurrent_classifier"
    num_classes: int = Field(default=2, ge=2, description="number of classes, K")
    bidirectional: bool = Field(default=False, description="a second direction reads from the end")
    pooling: Pooling = Field(
        default="mean",
        description="what the head sees of the positions that are no padding: mean, max, or each direction's last",
    )
    pad_id: int = Field(
        default=0, ge=0, description="token id of the padding on the right, where no lengths are given"
    )

    @model_validator(mode="after")
    def _padding_is_a_token(self) -> Self:
        if self.pad_id >= self.vocab_size:
            raise ValueError(f"pad_id {self.pad_id} is no token: vocab_size is {self.vocab_size}")
        return self
