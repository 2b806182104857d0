"""What the small parts ask of a config: any that says these things may be built of them. Imports no torch."""

from typing import Literal, Protocol

FeedForwardKind = Literal["relu", "gelu", "swiglu", "relu_squared"]
NormKind = Literal["layer_norm", "rms_norm", "rms_norm_plain"]
NormPosition = Literal["post", "pre"]


class BlockShape(Protocol):
    """Dimensions and choices of a block; `EraTransformerConfig` is one, and so are the encoders' configs."""

    @property
    def d_model(self) -> int: ...
    @property
    def d_ffn(self) -> int: ...
    @property
    def num_kv_heads(self) -> int: ...
    @property
    def n_heads(self) -> int: ...
    @property
    def head_width(self) -> int: ...
    @property
    def kv_width(self) -> int: ...
    @property
    def feed_forward(self) -> FeedForwardKind: ...
    @property
    def norm(self) -> NormKind: ...
    @property
    def norm_position(self) -> NormPosition: ...
    @property
    def norm_epsilon(self) -> float: ...
    @property
    def qk_norm(self) -> bool: ...
    @property
    def bias(self) -> bool: ...
    @property
    def dropout(self) -> float: ...


def check_divides(name: str, value: int, whole_name: str, whole: int) -> None:
    """
    Raises:
        ValueError: `value` does not divide `whole`; names the nearest that does.
    """
    if whole % value:
        divisors = [n for n in range(1, whole + 1) if whole % n == 0]
        nearest = min(divisors, key=lambda n: abs(n - value))
        raise ValueError(f"{name} {value} does not divide {whole_name} {whole}; nearest that does: {nearest}")
