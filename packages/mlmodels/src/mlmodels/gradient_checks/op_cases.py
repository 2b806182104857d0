"""Random cases for every op, each with an oracle made of torch's own functions: `<op>_case(draws)` for
ops/<op>.py.

Shapes are small and uneven on purpose: an axis that is summed by mistake must not happen to have the right
length.
B batch, T time, S queries, V vocabulary, D features, H heads.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlmodels.custom_transformer.ops import dropout
from mlmodels.gradient_checks.draws import Draws


@dataclass(frozen=True)
class OpCase:
    """One call of an op: floating-point tensors and everything else, both by the names of `forward`'s
    parameters.

    `oracle` takes the same arguments and returns y. `seed` is of the generator, for ops that have one.
    """

    inputs: dict[str, Tensor]
    fixed: dict[str, Any]
    oracle: Callable[..., Tensor]
    seed: int | None = None

    def call(self, function: Callable[..., Any], inputs: dict[str, Tensor]) -> Any:
        """Call `function` with `inputs` in place of the case's own, and a fresh generator of the same
        seed.
        """
        randomness = {} if self.seed is None else {"generator": torch.Generator().manual_seed(self.seed)}
        return function(**inputs, **self.fixed, **randomness)

    def __str__(self) -> str:
        shapes = [f"{name} {tuple(tensor.shape)}" for name, tensor in self.inputs.items()]
        options = [f"{k}={v}" for k, v in self.fixed.items() if not isinstance(v, Tensor)]
        return ", ".join(shapes + options)


def embedding_case(draws: Draws) -> OpCase:
    """Few tokens for many places, so that most of them repeat."""
    num_tokens = draws.integer(1, 6)
    return OpCase(
        {"weight_VD": draws.normal(num_tokens, draws.integer(1, 5))},
        {"tokens_BT": draws.tokens(num_tokens, draws.integer(1, 3), draws.integer(1, 7))},
        lambda tokens_BT, weight_VD: F.embedding(tokens_BT, weight_VD),
    )


def position_embedding_case(draws: Draws) -> OpCase:
    """Contexts shorter than the table, starting anywhere in it."""
    batch, time, features = draws.integer(1, 4), draws.integer(1, 6), draws.integer(1, 5)
    start = draws.integer(0, 3)
    rows = start + time + draws.integer(0, 2)

    def oracle(x_BTD: Tensor, weight_PD: Tensor, start: int) -> Tensor:
        return x_BTD + F.embedding(torch.arange(start, start + x_BTD.shape[1]), weight_PD)

    inputs = {"x_BTD": draws.normal(batch, time, features), "weight_PD": draws.normal(rows, features)}
    return OpCase(inputs, {"start": start}, oracle)


def linear_case(draws: Draws) -> OpCase:
    """With and without bias, for inputs of one to three dimensions."""
    features, outputs = draws.integer(1, 6), draws.integer(1, 7)
    leading = [draws.integer(1, 4) for _ in range(draws.integer(0, 2))]
    inputs = {"x": draws.normal(*leading, features), "weight_OI": draws.normal(outputs, features)}
    if draws.choice([True, True, False]) or draws.index == 0:  # the first case has every input
        inputs["bias_O"] = draws.normal(outputs)
    return OpCase(inputs, {}, lambda x, weight_OI, bias_O=None: F.linear(x, weight_OI, bias_O))


def layer_norm_case(draws: Draws) -> OpCase:
    """Affine or not; every row has an offset and a spread of its own, from 0.5 to about 15."""
    rows, features = (draws.integer(1, 3), draws.integer(1, 4)), draws.integer(3, 9)
    normed = F.layer_norm(draws.normal(*rows, features), (features,))
    spread = 0.5 * 10.0 ** draws.normal(*rows, 1).abs().clamp(max=1.5)
    inputs = {"x": normed * spread + draws.normal(*rows, 1)}
    if draws.choice([True, True, False]) or draws.index == 0:  # the first case has every input
        inputs |= {"weight_D": 1.0 + 0.5 * draws.normal(features), "bias_D": draws.normal(features)}
    epsilon = draws.choice([1e-5, 1e-3])

    def oracle(
        x: Tensor, epsilon: float, weight_D: Tensor | None = None, bias_D: Tensor | None = None
    ) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], weight_D, bias_D, epsilon)

    return OpCase(inputs, {"epsilon": epsilon}, oracle)


def gelu_case(draws: Draws) -> OpCase:
    """Inputs up to about ±9, where the function is flat or straight."""
    x = draws.normal(draws.integer(1, 4), draws.integer(1, 8)) * draws.choice([0.3, 1.0, 3.0])
    return OpCase({"x": x}, {}, lambda x: F.gelu(x))


def relu_case(draws: Draws) -> OpCase:
    """Inputs at least 0.1 from the kink, where differences mean nothing."""
    x = draws.normal(draws.integer(1, 4), draws.integer(1, 8))
    return OpCase({"x": x + 0.1 * x.sign()}, {}, lambda x: F.relu(x))


def softmax_case(draws: Draws) -> OpCase:
    """Rows of one entry and more, from nearly uniform to one that takes most."""
    x = draws.normal(draws.integer(1, 3), draws.integer(1, 4), draws.integer(1, 8))
    return OpCase({"x": x * draws.choice([0.3, 1.0, 2.0])}, {}, lambda x: F.softmax(x, dim=-1))


def dropout_case(draws: Draws) -> OpCase:
    """The oracle multiplies by the mask that the op gives to ones under the same seed."""
    x = draws.normal(draws.integer(1, 4), draws.integer(1, 8))

    def oracle(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
        return x * dropout.forward(torch.ones_like(x), probability, generator)[0]

    return OpCase(
        {"x": x}, {"probability": draws.choice([0.0, 0.1, 0.5])}, oracle, seed=draws.integer(0, 2**31)
    )


def residual_case(draws: Draws) -> OpCase:
    """Two tensors of one shape."""
    shape = [draws.integer(1, 4) for _ in range(3)]
    inputs = {"stream": draws.normal(*shape), "branch": draws.normal(*shape)}
    return OpCase(inputs, {}, lambda stream, branch: stream + branch)


def attention_case(draws: Draws) -> OpCase:
    """One to three heads, with and without dropout, also with fewer queries than keys."""
    heads, head_size, batch = draws.integer(1, 3), draws.integer(1, 4), draws.integer(1, 3)
    queries, past = draws.integer(1, 6), draws.choice([0, 0, 0, 2])
    width = heads * head_size
    inputs = {
        "q_BSD": draws.normal(batch, queries, width),
        "k_BTD": draws.normal(batch, queries + past, width),
        "v_BTD": draws.normal(batch, queries + past, width),
    }
    fixed = {"num_heads": heads, "dropout_probability": draws.choice([0.0, 0.0, 0.3])}
    return OpCase(inputs, fixed, _attention_oracle, seed=draws.integer(0, 2**31))


def _attention_oracle(
    q_BSD: Tensor,
    k_BTD: Tensor,
    v_BTD: Tensor,
    num_heads: int,
    dropout_probability: float,
    generator: torch.Generator,
) -> Tensor:
    q, k, v = (
        x.view(x.shape[0], x.shape[1], num_heads, -1).permute(0, 2, 1, 3) for x in (q_BSD, k_BTD, v_BTD)
    )
    queries, keys = q.shape[2], k.shape[2]
    visible = torch.arange(keys) <= torch.arange(queries).unsqueeze(1) + keys - queries
    if dropout_probability == 0.0:
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
    else:
        scores = torch.einsum("bhsk,bhtk->bhst", q, k) / math.sqrt(q.shape[3])
        weights = F.softmax(scores.masked_fill(~visible, -math.inf), dim=3)
        mask = dropout.forward(torch.ones_like(weights), dropout_probability, generator)[0]
        y = torch.einsum("bhst,bhtk->bhsk", weights * mask, v)
    return y.permute(0, 2, 1, 3).reshape(q_BSD.shape)


def cross_entropy_case(draws: Draws) -> OpCase:
    """Some targets ignored (never all), with and without label smoothing."""
    targets, vocabulary = draws.integer(1, 8), draws.integer(2, 9)
    targets_N = draws.tokens(vocabulary, targets)
    ignored_N = draws.tokens(3, targets) == 0
    ignored_N[draws.integer(0, targets - 1)] = False
    ignore_index = draws.choice([-100, -1])
    targets_N = targets_N.masked_fill(ignored_N, ignore_index)
    fixed = {
        "targets_N": targets_N,
        "ignore_index": ignore_index,
        "label_smoothing": draws.choice([0.0, 0.1]),
    }
    return OpCase(
        {"logits_NV": draws.normal(targets, vocabulary) * draws.choice([1.0, 3.0])},
        fixed,
        lambda logits_NV, targets_N, ignore_index, label_smoothing: F.cross_entropy(
            logits_NV, targets_N, ignore_index=ignore_index, label_smoothing=label_smoothing
        ),
    )
