"""Check the gradient of every parameter of the whole transformer, by name."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.ops import cross_entropy
from mlmodels.custom_transformer.twin import AutogradTransformer
from mlmodels.gradient_checks.draws import Draws
from mlmodels.gradient_checks.op_checks import DTYPES, UncoveredGradientError
from mlmodels.gradient_checks.relative_error import difference_error, relative_error
from mlmodels.gradient_checks.report import GradientRow
from mlmodels.gradient_checks.tally import Tallies

MODEL_NAMES = {"reference": "custom_transformer", "fast": "custom_transformer, fast"}
_UNTIED = CustomTransformerConfig(vocab_size=4, d_model=2, n_blocks=2, n_heads=1, d_ffn=2, max_seq_len=2)


def random_config(draws: Draws) -> CustomTransformerConfig:
    """A tiny model with uneven dimensions and any combination of the options; two blocks, so that names
    stay the same.
    """
    heads = draws.integer(1, 3)
    return CustomTransformerConfig(
        vocab_size=draws.integer(4, 9),
        d_model=heads * draws.integer(6 // heads, 9 // heads),
        n_blocks=2,
        n_heads=heads,
        d_ffn=draws.integer(3, 10),
        max_seq_len=draws.integer(4, 7),
        tie_weights=draws.choice([False, True]),
        head_bias=draws.choice([True, True, False]),
        activation=draws.choice(["gelu", "gelu", "relu"]),
        elementwise_affine=draws.choice([True, True, True, False]),
        dtype="float64",
    )


def random_weights(config: CustomTransformerConfig, draws: Draws) -> dict[str, Tensor]:
    """Weights large enough that every term of every gradient matters; at the usual start most would
    vanish.
    """
    model = CustomTransformer(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = draws.normal(*parameter.shape)
            is_norm = "norm" in name and name.endswith("weight")
            parameter.copy_(1.0 + 0.3 * values if is_norm else 0.5 * values)
    return model.state_dict()


def random_batch(config: CustomTransformerConfig, draws: Draws) -> tuple[Tensor, Tensor]:
    """Tokens that repeat, of any length up to the longest, and targets of which about a quarter do not
    count.
    """
    shape = draws.integer(1, 3), draws.integer(2, config.max_seq_len)
    targets_BT = draws.tokens(config.vocab_size, *shape)
    ignored_BT = draws.tokens(4, *shape) == 0
    ignored_BT[0, 0] = False
    return draws.tokens(config.vocab_size, *shape), targets_BT.masked_fill(ignored_BT, -100)


def check_model(
    *,
    num_cases: int = 200,
    num_difference_cases: int = 20,
    dtypes: Sequence[str] = DTYPES,
    seed: int = 0,
    kernels: Literal["reference", "fast"] = "reference",
) -> list[GradientRow]:
    """Compare every parameter's gradient with the autograd twin in each dtype, and with central differences
    in float64, by the reference ops or by the fast path.

    The differences are taken with dropout on (the same mask each time), which the twin, whose masks are its
    own, cannot check and the fast path does not know; and with GELU, because ReLU has kinks.
    """
    tallies = Tallies()
    for dtype in dtypes:
        for name, _ in CustomTransformer(_UNTIED).named_parameters():
            tallies.of(name, dtype)  # a parameter that no case reaches stays at no cases, and fails
    for index in range(num_cases):
        draws = Draws(seed, "model", index)
        config = random_config(draws).model_copy(update={"kernels": kernels})
        weights, (tokens_BT, targets_BT) = random_weights(config, draws), random_batch(config, draws)
        smoothing = draws.choice([0.0, 0.1])
        for dtype in dtypes:
            _compare_with_twin(config, weights, tokens_BT, targets_BT, smoothing, dtype, tallies)
    if "float64" in dtypes:
        for index in range(num_difference_cases):
            _compare_with_differences(Draws(seed, "model differences", index), kernels, tallies)
    return tallies.rows("model", MODEL_NAMES[kernels])


def gradients_by_name(model: torch.nn.Module) -> dict[str, Tensor]:
    """Every parameter's gradient; UncoveredGradientError for a parameter that has none."""
    gradients = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            raise UncoveredGradientError(f"the parameter {name} got no gradient")
        gradients[name] = parameter.grad
    return gradients


def _compare_with_twin(
    config: CustomTransformerConfig,
    weights: dict[str, Tensor],
    tokens_BT: Tensor,
    targets_BT: Tensor,
    smoothing: float,
    dtype: str,
    tallies: Tallies,
) -> None:
    # a rounding that carries a hidden unit over ReLU's kink changes its gradient as a whole
    if dtype == "bfloat16":
        config = config.model_copy(update={"activation": "gelu"})
    own_config = config.model_copy(update={"dtype": dtype})
    rounded = {
        name: tensor.to(torch.float64 if dtype == "float64" else torch.float32)
        for name, tensor in weights.items()
    }
    model = CustomTransformer(own_config)
    model.load_state_dict(rounded)
    model.loss_and_gradient(tokens_BT, targets_BT, label_smoothing=smoothing)
    by_hand = gradients_by_name(model)
    reference = _twin_gradients(config, rounded, tokens_BT, targets_BT, smoothing)
    by_autograd = reference
    if dtype != "float64":
        by_autograd = _twin_gradients(own_config, rounded, tokens_BT, targets_BT, smoothing)
    for name, expected in reference.items():
        error = relative_error(by_hand[name], expected)
        autograd_error = relative_error(by_autograd[name], expected)
        tallies.of(name, dtype).add(error, autograd_error, f"{config!r}")


def _twin_gradients(
    config: CustomTransformerConfig,
    weights: dict[str, Tensor],
    tokens_BT: Tensor,
    targets_BT: Tensor,
    smoothing: float,
) -> dict[str, Tensor]:
    with torch.enable_grad():
        twin = AutogradTransformer(config)
        twin.load_state_dict(weights)
        twin.loss(tokens_BT, targets_BT, smoothing).backward()
    return gradients_by_name(twin)


def _compare_with_differences(draws: Draws, kernels: Literal["reference", "fast"], tallies: Tallies) -> None:
    config = random_config(draws).model_copy(
        update={
            "kernels": kernels,
            "dropout": draws.choice([0.0, 0.2]) if kernels == "reference" else 0.0,
            "activation": "gelu",
            "elementwise_affine": True,
            "head_bias": True,
        }
    )
    tokens_BT, targets_BT = random_batch(config, draws)
    mask_seed = draws.integer(0, 2**31)
    model = CustomTransformer(config)
    model.load_state_dict(random_weights(config, draws))
    model.loss_and_gradient(tokens_BT, targets_BT, generator=torch.Generator().manual_seed(mask_seed))

    def loss() -> float:
        logits_BTV = model(tokens_BT, torch.Generator().manual_seed(mask_seed))
        return float(cross_entropy.forward(logits_BTV.flatten(0, 1), targets_BT.flatten())[0])

    for name, gradient in gradients_by_name(model).items():
        parameter = model.get_parameter(name)
        error = difference_error(loss, parameter.data, gradient, draws.signs(gradient))
        tallies.of(name, "float64").add_difference(error)
