"""A decoder-only transformer that differentiates itself (architecture: Radford et al., 2019, with an untied
head).

B batch, T time, N = B·T, D features, V vocabulary.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.custom_transformer.block import Block, BlockCache
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.fast.kernels import choose_kernels
from mlmodels.custom_transformer.fast.path import FastPath
from mlmodels.custom_transformer.gradients import add_gradient
from mlmodels.custom_transformer.inference import InferenceModel
from mlmodels.custom_transformer.layers import Linear, Norm, Table
from mlmodels.custom_transformer.ops import (
    cross_entropy,
    dropout,
    embedding,
    layer_norm,
    linear,
    position_embedding,
)
from mlmodels.custom_transformer.precision import dtype_from_name, wide_dtype
from mlmodels.custom_transformer.size import flops_per_token
from mlmodels.generation.cached import generate
from mlmodels.generation.key_values import KeyValues
from mlmodels.generation.sampling import SamplingOptions
from mlmodels.native import NativeUnavailableError


class Tape(NamedTuple):
    """The caches of one forward pass, in the order of the calls."""

    embedding: embedding.Cache
    positions: position_embedding.Cache
    dropout: dropout.Cache
    blocks: list[BlockCache]
    norm: layer_norm.Cache
    head: linear.Cache


class CustomTransformer(BaseModel):
    """`forward(tokens)` → logits, `backward(loss_gradient)`, `update_parameters(lr)`: no autograd anywhere.

    Parameters are float32 (float64 when `config.dtype` is float64) and never require grad; gradients stand in
    their `.grad` and add up until `zero_gradients()`. Dropout is active in `train()` mode only.
    """

    def __init__(self, config: CustomTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.dtype = dtype_from_name(config.dtype)
        wide, width = wide_dtype(self.dtype), config.d_model
        self.token_embedding = Table(config.vocab_size, width, wide)
        self.position_embedding = Table(config.max_seq_len, width, wide)
        self.blocks: Sequence[Block] = nn.ModuleList(Block(config) for _ in range(config.n_blocks))  # type: ignore[assignment]
        self.norm = Norm(width, wide, affine=config.elementwise_affine)
        self.head = Linear(width, config.vocab_size, wide, bias=config.head_bias)
        if config.tie_weights:
            self.head.weight = self.token_embedding.weight
        self._tape: Tape | None = None
        self._fast: FastPath | None = None
        self._fast_is_unavailable = False

    @property
    def context_length(self) -> int:
        """The longest context, in tokens."""
        return self.config.max_seq_len

    @property
    def dim(self) -> int:
        return self.config.d_model

    @classmethod
    def from_config(cls, config: CustomTransformerConfig) -> Self:
        return cls(config)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Normal(0, init_std) for matrices, biases 0, norms 1; projections onto the residual stream are scaled by
        1/√(2·n_blocks), so that the stream's variance does not grow with depth (Radford et al., 2019)."""
        std, scale = self.config.init_std, 1.0 / math.sqrt(2 * self.config.n_blocks)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif "norm" in name:
                parameter.fill_(1.0)
            elif name.endswith(("project.weight", "down.weight")):
                parameter.normal_(0.0, std * scale, generator=generator)
            else:
                parameter.normal_(0.0, std, generator=generator)

    @torch.no_grad()
    def forward(self, tokens_BT: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return logits_BTV (float32 or wider) and keep what `backward` needs.

        `tokens_BT` are integers in [0, vocab_size), T at most max_seq_len, else ValueError. `generator` draws
        the dropout masks; None: torch's global one.
        """
        self._tape = None  # the last pass's caches are freed before this pass fills its own
        self._check_tokens(tokens_BT)
        p = self.config.dropout if self.training else 0.0
        x_BTD, c1 = embedding.forward(tokens_BT, self.token_embedding.weight)
        x_BTD, c2 = position_embedding.forward(x_BTD, self.position_embedding.weight)
        x_BTD, c3 = dropout.forward(x_BTD, p, generator)
        block_caches = []
        for block in self.blocks:
            x_BTD, block_cache = block(x_BTD, p, generator)
            block_caches.append(block_cache)
        x_BTD, c4 = layer_norm.forward(
            x_BTD, self.norm.weight, self.norm.bias, self.config.layer_norm_epsilon
        )
        logits_BTV, c5 = linear.forward(x_BTD, self.head.weight, self.head.bias, self.dtype)
        self._tape = Tape(c1, c2, c3, block_caches, c4, c5)
        return logits_BTV.to(wide_dtype(self.dtype))

    @torch.no_grad()
    def backward(self, loss_gradient: Tensor) -> None:
        """Add every parameter's gradient, given the loss's gradient by the logits of the last `forward`.

        `loss_gradient` has the logits' shape (B, T, V). One backward for one forward: it uses up the caches.
        """
        if self._tape is None:
            raise RuntimeError(
                "backward() needs a forward() before it, and each forward() serves one backward()"
            )
        tape, self._tape = self._tape, None
        dx_BTD, dweight, dbias = linear.backward(loss_gradient, tape.head)
        add_gradient(self.head.weight, dweight)
        add_gradient(self.head.bias, dbias)
        dx_BTD, dnorm_weight, dnorm_bias = layer_norm.backward(dx_BTD, tape.norm)
        add_gradient(self.norm.weight, dnorm_weight)
        add_gradient(self.norm.bias, dnorm_bias)
        for block in reversed(self.blocks):
            dx_BTD = block.backward(dx_BTD, tape.blocks.pop())
        dx_BTD = dropout.backward(dx_BTD, tape.dropout)
        dx_BTD, dweight = position_embedding.backward(dx_BTD, tape.positions)
        add_gradient(self.position_embedding.weight, dweight)
        dweight = embedding.backward(dx_BTD, tape.embedding)
        add_gradient(self.token_embedding.weight, dweight)

    @torch.no_grad()
    def loss_and_gradient(
        self,
        tokens_BT: Tensor,
        targets_BT: Tensor,
        scale: float = 1.0,
        *,
        label_smoothing: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, int]:
        """Forward, cross-entropy and backward: add the gradient of `scale` × mean loss.

        `targets_BT[b, t]` is what follows `tokens_BT[b, t]` (already shifted); -100 does not count. Returns
        the unscaled mean loss (a scalar, nats per counted target) and the number of counted targets.
        """
        self._check_targets(tokens_BT, targets_BT)
        fast = self.fast_path()
        if fast is not None:
            self._check_tokens(tokens_BT)
            return fast.loss_and_gradient(tokens_BT, targets_BT, scale, label_smoothing)
        logits_BTV = self(tokens_BT, generator)
        logits_NV, targets_N = logits_BTV.flatten(0, 1), targets_BT.flatten()
        loss, cache = cross_entropy.forward(logits_NV, targets_N, label_smoothing=label_smoothing)
        dlogits_NV = cross_entropy.backward(torch.full_like(loss, scale), cache)
        self.backward(dlogits_NV.view_as(logits_BTV))
        return loss, int((targets_N != -100).sum())

    @torch.no_grad()
    def evaluate(self, tokens_BT: Tensor, targets_BT: Tensor) -> tuple[Tensor, int, Tensor]:
        """Mean loss, number of counted targets, and token accuracy, without dropout: for validation.

        The fast path makes the logits a chunk at a time; their whole would be the largest tensor by far.
        """
        self._check_targets(tokens_BT, targets_BT)
        fast = self.fast_path(training=False)
        if fast is not None:
            self._check_tokens(tokens_BT)
            return fast.loss(tokens_BT, targets_BT)
        logits_BTV = self.logits(tokens_BT)
        loss, num_counted = self.loss_of(logits_BTV, targets_BT)
        hits_BT = (logits_BTV.argmax(-1) == targets_BT) & (targets_BT != -100)
        return loss, num_counted, hits_BT.sum().to(loss.dtype) / max(1, num_counted)

    @torch.no_grad()
    def loss(self, tokens_BT: Tensor, targets_BT: Tensor) -> tuple[Tensor, int]:
        """Mean loss and number of counted targets, without dropout, without caches: for validation."""
        loss, num_counted, _ = self.evaluate(tokens_BT, targets_BT)
        return loss, num_counted

    @torch.no_grad()
    def loss_of(self, logits_BTV: Tensor, targets_BT: Tensor) -> tuple[Tensor, int]:
        """Mean cross-entropy of given logits and the number of counted targets (-100 does not count)."""
        self._check_targets(logits_BTV[..., 0], targets_BT)
        targets_N = targets_BT.flatten()
        return cross_entropy.forward(logits_BTV.flatten(0, 1), targets_N)[0], int((targets_N != -100).sum())

    @torch.no_grad()
    def logits(self, input_ids_BT: Tensor, past: list[KeyValues] | None = None) -> Tensor:
        """Inference: logits_BTV (float32 or wider) without dropout and without keeping caches.

        With `past` (one for each block, from `new_cache`) the tokens continue those seen before, and join
        them.
        """
        start = 0 if past is None else past[0].length
        self._check_tokens(input_ids_BT, start)
        x_BTD, _ = embedding.forward(input_ids_BT, self.token_embedding.weight)
        x_BTD, _ = position_embedding.forward(x_BTD, self.position_embedding.weight, start)
        for i, block in enumerate(self.blocks):
            x_BTD, _ = block(x_BTD, past=None if past is None else past[i])
        epsilon = self.config.layer_norm_epsilon
        x_BTD, _ = layer_norm.forward(x_BTD, self.norm.weight, self.norm.bias, epsilon)
        logits_BTV, _ = linear.forward(x_BTD, self.head.weight, self.head.bias, self.dtype)
        return logits_BTV.to(wide_dtype(self.dtype))

    def new_cache(self, batch_size: int) -> list[KeyValues]:
        """An empty KV cache for every block, with room for `max_seq_len` positions."""
        c, device = self.config, self.head.weight.device
        return [KeyValues(batch_size, c.max_seq_len, c.d_model, self.dtype, device) for _ in self.blocks]

    def generate(
        self,
        input_ids: Tensor,
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        generator: torch.Generator | None = None,
        seed: int | None = None,
        end_id: int | None = None,
        prompt_lengths: Tensor | None = None,
        use_cache: bool = True,
    ) -> Tensor:
        """Continue the prompts; see `generation.generate` and `SamplingOptions` for what each option
        means.
        """
        _check_range(input_ids, self.config.vocab_size, "token")
        options = SamplingOptions(temperature, top_k, top_p, repetition_penalty)
        return generate(
            InferenceModel(self),
            input_ids,
            max_new_tokens=max_new_tokens,
            options=options,
            generator=generator,
            seed=seed,
            end_id=end_id,
            prompt_lengths=prompt_lengths,
            use_cache=use_cache,
        )

    @torch.no_grad()
    def update_parameters(self, lr: float) -> None:
        """Plain SGD: parameter -= lr · gradient. Gradients stay; `zero_gradients()` removes them."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=lr)

    def zero_gradients(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def num_parameters(self, non_embedding: bool = False) -> int:
        """Number of parameters, a shared one counted once; `non_embedding`: without the token and position
        tables.
        """
        total = sum(parameter.numel() for parameter in self.parameters())
        tables = self.token_embedding.weight.numel() + self.position_embedding.weight.numel()
        return total - tables if non_embedding else total

    def flops_per_token(self, context: int | None = None) -> float:
        """Floating-point operations of a forward and a backward pass for one token; see
        `size.flops_per_token`.
        """
        return flops_per_token(self.config, self.config.max_seq_len if context is None else context)

    def fast_path(self, training: bool | None = None) -> FastPath | None:
        """The fused kernels that compute the same as the ops, or None where the ops do it.

        That is: where `config.kernels` is "reference", where dropout is active (its masks are the ops' own), and with
        "auto" also where the kernels cannot be had, after one warning. "fast" raises ValueError instead.
        """
        training = self.training if training is None else training
        if self.config.kernels == "reference" or self._fast_is_unavailable or self.head.weight.is_meta:
            return None
        if training and self.config.dropout:
            if self.config.kernels == "fast":
                raise ValueError(f"kernels: fast knows no dropout, model.dropout is {self.config.dropout}")
            return None
        device = self.head.weight.device
        if self._fast is None or self._fast.device != device or not self._fast.flat.belongs_to(self):
            try:
                self._fast = FastPath(self, choose_kernels(device, self.dtype))
            except NativeUnavailableError as error:
                if self.config.kernels == "fast":
                    raise ValueError(f"kernels: fast is not to be had here: {error}") from error
                warnings.warn(f"kernels: the reference ops are used, for {error}", stacklevel=2)
                self._fast_is_unavailable = True
        return self._fast

    def __getstate__(self) -> dict[str, Any]:
        """Copies make buffers of their own."""
        return {**self.__dict__, "_fast": None, "_tape": None}

    def _check_tokens(self, tokens_BT: Tensor, start: int = 0) -> None:
        if tokens_BT.dim() != 2 or tokens_BT.is_floating_point():
            found = f"{tokens_BT.dtype} {tuple(tokens_BT.shape)}"
            raise ValueError(f"tokens must be integers of shape (batch, time), not {found}")
        end, longest = start + tokens_BT.shape[1], self.config.max_seq_len
        if end > longest:
            raise ValueError(f"{end} tokens are longer than max_seq_len {longest}")
        _check_range(tokens_BT, self.config.vocab_size, "token")

    def _check_targets(self, tokens_BT: Tensor, targets_BT: Tensor) -> None:
        if targets_BT.shape != tokens_BT.shape:
            raise ValueError(f"targets {tuple(targets_BT.shape)} for tokens {tuple(tokens_BT.shape)}")
        _check_range(targets_BT.masked_fill(targets_BT == -100, 0), self.config.vocab_size, "target")


def _check_range(ids: Tensor, vocab_size: int, what: str) -> None:
    if ids.is_meta or not ids.numel():
        return
    lowest, highest = int(ids.min()), int(ids.max())
    if lowest < 0 or highest >= vocab_size:
        worst = lowest if lowest < 0 else highest
        raise ValueError(f"{what} id {worst} is not in the vocabulary: 0 … {vocab_size - 1}")
