"""The operations that the doctor tries, as (name, function, shapes of the inputs, tolerances).

Each function takes float tensors and returns a float tensor. Integer inputs (indices, targets) are made
inside from fixed numbers, so that every device sees the same. Inputs are standard normal; "positive" ones are
squared plus one half.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]

# Largest error allowed, relative to the largest magnitude of the float64 result. A float32 operation rounds
# to 6e-8 and a bf16 one to 4e-3; sums over the small inputs here lose a digit or so more.
TOLERANCE_FLOAT32 = 2e-5
TOLERANCE_BF16 = 3e-2


@dataclass(frozen=True)
class Operation:
    """One operation with its tolerances, in float32 and in bf16 (None where bf16 is not offered or means
    nothing)."""

    name: str
    function: "Callable[..., Tensor]"
    shapes: tuple[Shape, ...]
    positive: bool = False
    float32: float = TOLERANCE_FLOAT32
    bf16: float | None = TOLERANCE_BF16


def standard_operations() -> list[Operation]:
    """About thirty operations that models here are made of."""
    return [*_elementwise(), *_reductions(), *_products(), *_normalisations(), *_indexing(), *_images()]


def _elementwise() -> list[Operation]:
    import torch
    from torch.nn import functional

    pair = ((5, 33), (5, 33))
    one = ((5, 33),)
    return [
        Operation("add, broadcast", torch.add, ((5, 33), (33,))),
        Operation("multiply", torch.mul, pair),
        Operation("divide", torch.div, pair, positive=True),
        Operation("exp", torch.exp, one),
        Operation("log", torch.log, one, positive=True),
        Operation("square root", torch.sqrt, one, positive=True),
        Operation("tanh", torch.tanh, one),
        Operation("sigmoid", torch.sigmoid, one),
        Operation("relu", torch.relu, one),
        Operation("gelu", functional.gelu, one),
        Operation("gelu, tanh form", lambda x: functional.gelu(x, approximate="tanh"), one),
        Operation("silu", functional.silu, one),
        Operation("where", lambda a, b: torch.where(a > b, a, b), pair),
    ]


def _reductions() -> list[Operation]:
    import torch

    one = ((6, 65),)
    return [
        Operation("sum", lambda x: x.sum(dim=0), one),
        Operation("mean", lambda x: x.mean(dim=-1), one),
        Operation("variance", lambda x: x.var(dim=-1), one),
        Operation("cumulative sum", lambda x: x.cumsum(dim=-1), one),
        Operation("log-sum-exp", lambda x: torch.logsumexp(x, dim=-1), one),
        Operation("softmax", lambda x: x.softmax(dim=-1), one),
        Operation("log-softmax", lambda x: x.log_softmax(dim=-1), one),
        Operation("sort", lambda x: x.sort(dim=-1).values, one),
    ]


def _products() -> list[Operation]:
    import torch
    from torch.nn import functional

    heads = ((2, 3, 16, 8),) * 3
    return [
        Operation("matrix product", torch.matmul, ((17, 33), (33, 9))),
        Operation("batched product", torch.bmm, ((3, 8, 16), (3, 16, 8))),
        Operation("linear", functional.linear, ((4, 7, 16), (24, 16), (24,))),
        Operation(
            "attention, causal",
            lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True),
            heads,
        ),
        Operation("mean squared error", functional.mse_loss, ((8, 9), (8, 9))),
    ]


def _normalisations() -> list[Operation]:
    from torch.nn import functional

    return [
        Operation(
            "layer norm", lambda x, w, b: functional.layer_norm(x, (32,), w, b), ((5, 6, 32), (32,), (32,))
        ),
        # The original document says that leaving out weight and bias breaks gradients; see that it does not
        # here.
        Operation("layer norm, not affine", lambda x: functional.layer_norm(x, (32,)), ((5, 6, 32),)),
        Operation("RMS norm", lambda x, w: functional.rms_norm(x, (32,), w), ((5, 6, 32), (32,))),
        Operation("group norm", lambda x: functional.group_norm(x, 2), ((3, 4, 5, 5),)),
        Operation(
            "batch norm", lambda x: functional.batch_norm(x, None, None, training=True), ((8, 4, 5, 5),)
        ),
    ]


def _indexing() -> list[Operation]:
    import torch
    from torch.nn import functional

    def indices(x: "Tensor", count: int, below: int) -> "Tensor":
        return (torch.arange(count, device=x.device) * 7 + 3) % below

    return [
        Operation("embedding", lambda w: functional.embedding(indices(w, 24, 11), w), ((11, 8),)),
        Operation("gather", lambda x: x.gather(1, indices(x, 6, 9).view(6, 1)), ((6, 9),)),
        Operation(
            "scatter-add", lambda x: torch.zeros_like(x[:5]).index_add(0, indices(x, 12, 5), x), ((12, 7),)
        ),
        Operation("cross-entropy", lambda x: functional.cross_entropy(x, indices(x, 12, 29)), ((12, 29),)),
        Operation("cat and transpose", lambda a, b: torch.cat([a, b.T]).contiguous(), ((4, 6), (6, 3))),
        Operation("masked fill", lambda x: x.masked_fill(x < 0, -1.0), ((5, 33),)),
    ]


def _images() -> list[Operation]:
    from torch.nn import functional

    return [
        Operation(
            "convolution",
            lambda x, w, b: functional.conv2d(x, w, b, padding=1),
            ((2, 3, 9, 9), (5, 3, 3, 3), (5,)),
        ),
        Operation("max pooling", lambda x: functional.max_pool2d(x, 2), ((2, 3, 8, 8),)),
        Operation("average pooling", lambda x: functional.avg_pool2d(x, 2), ((2, 3, 8, 8),)),
    ]
