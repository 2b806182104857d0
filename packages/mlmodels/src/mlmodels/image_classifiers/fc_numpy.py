"""A fully connected classifier in NumPy alone: forward, backward and gradient descent, all in this file.

    images → (linear → ReLU → dropout) for every hidden layer → linear → softmax and cross-entropy → loss

Each operation is a pair. `…_forward` returns its result and a cache, what `…_backward` will need; `…_backward`
takes the gradient of the loss by the result, `dy`, and returns those by the inputs. Each of its lines carries the
forward line that it differentiates as its comment. The network runs the operations forwards, then the same ones
backwards in reversed order: that is all of backpropagation (Rumelhart, Hinton and Williams, 1986).

B batch, I inputs and O outputs of a layer, D features, K classes, 1 a kept dimension of length one.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


class Layer(NamedTuple):
    """The parameters of a linear layer, or their gradients."""

    weight_OI: Array
    bias_O: Array


# --- linear: y = x weightᵀ + bias


class LinearCache(NamedTuple):
    x_BI: Array
    weight_OI: Array


def linear_forward(x_BI: Array, layer: Layer) -> tuple[Array, LinearCache]:
    """Return y_BO."""
    return x_BI @ layer.weight_OI.T + layer.bias_O, LinearCache(x_BI, layer.weight_OI)


def linear_backward(dy_BO: Array, cache: LinearCache) -> tuple[Array, Layer]:
    """Return dx_BI and the gradients by weight and bias."""
    dx_BI = dy_BO @ cache.weight_OI  # y = x @ weight.T + bias
    dweight_OI = dy_BO.T @ cache.x_BI  # y = x @ weight.T + bias
    dbias_O = dy_BO.sum(axis=0)  # y = x @ weight.T + bias
    return dx_BI, Layer(dweight_OI, dbias_O)


# --- ReLU: y = max(x, 0)


class ReluCache(NamedTuple):
    is_positive: NDArray[np.bool_]


def relu_forward(x: Array) -> tuple[Array, ReluCache]:
    """Return y, of x's shape."""
    return np.maximum(x, 0), ReluCache(x > 0)


def relu_backward(dy: Array, cache: ReluCache) -> Array:
    """Return dx; 0 where x is exactly 0."""
    return dy * cache.is_positive  # y = maximum(x, 0)


# --- dropout: y = x · mask / (1 - p), so that y means x (Srivastava et al., 2014)


class DropoutCache(NamedTuple):
    mask: NDArray[np.bool_] | None
    scale: float


def dropout_forward(
    x: Array, probability: float, generator: np.random.Generator | None
) -> tuple[Array, DropoutCache]:
    """Return y, of x's shape. Probability 0 or no generator: x itself, and nothing is drawn."""
    if probability == 0.0 or generator is None:
        return x, DropoutCache(None, 1.0)
    mask = generator.random(x.shape, dtype=np.float32) >= probability
    scale = 1.0 / (1.0 - probability)
    return x * mask * scale, DropoutCache(mask, scale)


def dropout_backward(dy: Array, cache: DropoutCache) -> Array:
    """Return dx: the same mask, the same scale."""
    if cache.mask is None:
        return dy  # y = x
    return dy * cache.mask * cache.scale  # y = x * mask * scale


# --- cross-entropy of softmax(logits) with the labels, in nats, averaged over the batch


class CrossEntropyCache(NamedTuple):
    probability_BK: Array
    target_BK: Array


def cross_entropy_forward(
    logits_BK: Array, labels_B: Labels, label_smoothing: float = 0.0
) -> tuple[np.floating[Any], CrossEntropyCache]:
    """Return the mean loss. The target is 1 - ε of the label and ε of all K classes evenly (Szegedy et al.,
    2016)."""
    batch_size, num_classes = logits_BK.shape
    target_BK = np.full_like(logits_BK, label_smoothing / num_classes)
    target_BK[np.arange(batch_size), labels_B] += 1.0 - label_smoothing
    # The largest logit becomes 0, so that no exponential overflows.
    shifted_BK = logits_BK - logits_BK.max(axis=1, keepdims=True)
    log_sum_B1 = np.log(np.exp(shifted_BK).sum(axis=1, keepdims=True))
    log_probability_BK = shifted_BK - log_sum_B1
    losses_B = -(target_BK * log_probability_BK).sum(axis=1)
    return losses_B.mean(), CrossEntropyCache(np.exp(log_probability_BK), target_BK)


def cross_entropy_backward(dloss: float, cache: CrossEntropyCache) -> Array:
    """Return dlogits_BK, which comes to dloss · (probability - target) / B."""
    dlosses = dloss / len(cache.target_BK)  # loss = losses.mean()
    # losses = -(target * log_probability).sum(axis=1)
    dlog_probability_BK = -cache.target_BK * dlosses
    # log_probability = shifted - log_sum
    dlog_sum_B1 = -dlog_probability_BK.sum(axis=1, keepdims=True)
    # log_probability = shifted - log_sum; log_sum = log(exp(shifted).sum(axis=1))
    dshifted_BK = dlog_probability_BK + cache.probability_BK * dlog_sum_B1
    return dshifted_BK  # shifted = logits - max: the loss is the same whatever is subtracted


# --- L2 penalty: strength / 2 · the sum of all squared weights; biases are free


def penalty_forward(layers: Sequence[Layer], strength: float) -> float:
    """Return the penalty, a part of the loss."""
    return 0.5 * strength * sum(float(np.square(layer.weight_OI).sum()) for layer in layers)


def penalty_backward(dloss: float, layers: Sequence[Layer], strength: float) -> list[Array]:
    """Return dweight_OI of each layer."""
    return [dloss * strength * layer.weight_OI for layer in layers]  # 0.5 * strength * square(weight).sum()


# --- the network


class HiddenCache(NamedTuple):
    """What one hidden layer leaves for backward, in the order of the calls."""

    linear: LinearCache
    relu: ReluCache
    dropout: DropoutCache


class Caches(NamedTuple):
    """What a forward pass leaves for backward, in the order of the calls."""

    hidden: list[HiddenCache]
    head: LinearCache


def hidden_forward(
    images_BI: Array,
    hidden: Sequence[Layer],
    dropout: float = 0.0,
    generator: np.random.Generator | None = None,
) -> tuple[Array, list[HiddenCache]]:
    """Return what the hidden layers make of images, features_BD; without a generator nothing is dropped."""
    x, caches = images_BI, []
    for layer in hidden:
        x, c1 = linear_forward(x, layer)
        x, c2 = relu_forward(x)
        x, c3 = dropout_forward(x, dropout, generator)
        caches.append(HiddenCache(c1, c2, c3))
    return x, caches


def forward(
    images_BI: Array,
    layers: Sequence[Layer],
    dropout: float = 0.0,
    generator: np.random.Generator | None = None,
) -> tuple[Array, Caches]:
    """Return logits_BK; the last of `layers` is the head, from features to classes."""
    features_BD, hidden_caches = hidden_forward(images_BI, layers[:-1], dropout, generator)
    logits_BK, head_cache = linear_forward(features_BD, layers[-1])
    return logits_BK, Caches(hidden_caches, head_cache)


def backward(dlogits_BK: Array, caches: Caches) -> list[Layer]:
    """Return the gradients by each layer's weight and bias, in the order of the layers."""
    dx, gradient = linear_backward(dlogits_BK, caches.head)
    gradients = [gradient]
    for cache in reversed(caches.hidden):
        dx = dropout_backward(dx, cache.dropout)
        dx = relu_backward(dx, cache.relu)
        dx, gradient = linear_backward(dx, cache.linear)
        gradients.append(gradient)
    return gradients[::-1]


class LossAndGradients(NamedTuple):
    """Mean loss with the penalty, in nats; logits_BK; the gradients of scale · loss, layer by layer."""

    loss: float
    logits_BK: Array
    gradients: list[Layer]


def loss_and_gradients(
    images_BI: Array,
    labels_B: Labels,
    layers: Sequence[Layer],
    *,
    scale: float = 1.0,
    dropout: float = 0.0,
    generator: np.random.Generator | None = None,
    label_smoothing: float = 0.0,
    l2: float = 0.0,
) -> LossAndGradients:
    """One forward and one backward pass. Labels are 0 … K - 1; `generator` draws the dropout masks."""
    logits_BK, caches = forward(images_BI, layers, dropout, generator)
    loss, loss_cache = cross_entropy_forward(logits_BK, labels_B, label_smoothing)
    gradients = backward(cross_entropy_backward(scale, loss_cache), caches)
    if l2:
        penalties = penalty_backward(scale, layers, l2)
        gradients = [
            Layer(weight + penalty, bias)
            for (weight, bias), penalty in zip(gradients, penalties, strict=True)
        ]
    return LossAndGradients(float(loss) + penalty_forward(layers, l2), logits_BK, gradients)


# --- training, for who wants to see everything in one place


def fit(
    images_BI: Array,
    labels_B: Labels,
    *,
    hidden_sizes: Sequence[int] = (256, 128),
    num_epochs: int = 10,
    batch_size: int = 64,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
    dropout: float = 0.0,
    l2: float = 0.0,
    seed: int = 0,
) -> list[Layer]:
    """Train from scratch by gradient descent with momentum on shuffled minibatches; a function of `seed`.

    Images are floats of about zero mean and unit deviation, labels 0 … K - 1. The result is for `forward`.
    """
    generator = np.random.default_rng(seed)
    sizes = (images_BI.shape[1], *hidden_sizes, int(labels_B.max()) + 1)
    layers = [_starting_layer(*pair, images_BI.dtype, generator) for pair in pairwise(sizes)]
    velocities = [Layer(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
    for _ in range(num_epochs):
        order = generator.permutation(len(images_BI))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            gradients = loss_and_gradients(
                images_BI[batch], labels_B[batch], layers, dropout=dropout, generator=generator, l2=l2
            ).gradients
            for layer, velocity, gradient in zip(layers, velocities, gradients, strict=True):
                for value, speed, slope in zip(layer, velocity, gradient, strict=True):
                    speed *= momentum
                    speed += slope
                    value -= learning_rate * speed
    return layers


def _starting_layer(inputs: int, outputs: int, dtype: Any, generator: np.random.Generator) -> Layer:
    """Weights with variance 2/inputs, as ReLUs want them (He et al., 2015); biases 0."""
    weight_OI = generator.normal(0.0, np.sqrt(2.0 / inputs), (outputs, inputs))
    return Layer(weight_OI.astype(dtype), np.zeros(outputs, dtype))
