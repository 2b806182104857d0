"""Loss and gradient of the whole transformer on the fast path.

The logits never exist as a whole: the head works on chunks of rows, each of which becomes its own gradient in place
and is used up at once for the gradients of the weight and of the rows.

B batch, T time, N = B·T rows, C rows of a chunk, D features, V vocabulary.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mlmodels.custom_transformer.fast.block import FastBlock, Size, linear_layers
from mlmodels.custom_transformer.fast.flat import FlatParameters
from mlmodels.custom_transformer.fast.kernels import Kernels
from mlmodels.custom_transformer.fast.workspace import Workspace
from mlmodels.custom_transformer.precision import wide_dtype

if TYPE_CHECKING:
    from mlmodels.custom_transformer.model import CustomTransformer

# At 50,257 tokens 128 rows took 799 ms, 512 rows 637 and 2,048 rows 669 (bf16, one thread of a Xeon): the weight's
# gradient is read and written once a chunk, and a chunk should stay in the cache.
CHUNK_ROWS = 512


class FastPath:
    """Computes what `CustomTransformer.loss_and_gradient` does, for one model on one device, without dropout."""

    def __init__(self, model: "CustomTransformer", kernels: Kernels) -> None:
        self.model, self.kernels = model, kernels
        self.dtype, self.wide = model.dtype, wide_dtype(model.dtype)
        self.device = model.head.weight.device
        self.workspace = Workspace(self.device)
        self.flat = FlatParameters(model)
        recompute = model.config.recompute_activations
        self.blocks = [
            FastBlock(block, kernels, self.workspace, self.flat, "block" if recompute else f"block_{i}")
            for i, block in enumerate(model.blocks)
        ]
        self._head_weight: Tensor = model.head.weight
        self._rounded_parameters: Tensor | None = None

    @torch.no_grad()
    def loss_and_gradient(
        self, tokens_BT: Tensor, targets_BT: Tensor, scale: float, label_smoothing: float
    ) -> tuple[Tensor, int]:
        """Add the gradient of `scale` × mean loss; return that mean (nats) and the number of counted targets."""
        loss, num_counted = self.enqueue(tokens_BT, targets_BT, scale, label_smoothing)
        return loss, int(num_counted)

    @torch.no_grad()
    def enqueue(
        self, tokens_BT: Tensor, targets_BT: Tensor, scale: float | Tensor, label_smoothing: float
    ) -> tuple[Tensor, int | Tensor]:
        """`loss_and_gradient` that does not wait for a GPU: the number of targets stays there.

        Nothing depends on the values of a `scale` that is a tensor (no dimension, wide), so that all of it can be
        recorded (`cuda_graph.py`).
        """
        self._begin()
        size = Size(*tokens_BT.shape)
        streams = self._blocks_forward(tokens_BT, size)
        dnormed_ND, loss, num_counted, _ = self._head(streams[-1], targets_BT, scale, label_smoothing)
        norm = self.model.norm
        dx_ND = self._wide("dx", *streams[-1].shape).zero_()
        gradients = [None if p is None else self.flat.summed_gradient(p) for p in (norm.weight, norm.bias)]
        self.kernels.layer_norm_gradient(
            dnormed_ND, streams[-1], norm.weight, *self._statistics(size.rows), dx_ND, *gradients
        )
        for i in reversed(range(len(self.blocks))):
            if self.model.config.recompute_activations and i < len(self.blocks) - 1:
                self.blocks[i].forward(streams[i], size, None)
            self.blocks[i].backward(dx_ND, streams[i], size)
        self._embedding_gradient(dx_ND, tokens_BT)
        return loss, num_counted

    @torch.no_grad()
    def loss(self, tokens_BT: Tensor, targets_BT: Tensor) -> tuple[Tensor, int, Tensor]:
        """Mean loss, number of counted targets, and the share of them that were the likeliest token."""
        self._begin()
        streams = self._blocks_forward(tokens_BT, Size(*tokens_BT.shape))
        _, loss, counted, num_hits = self._head(streams[-1], targets_BT, None, 0.0)
        num_counted = int(counted)
        return loss, num_counted, num_hits.to(loss.dtype) / max(1, num_counted)

    def _begin(self) -> None:
        """Flat parameters, and the weights in the compute dtype, which the last update has changed."""
        self.flat.gather()
        if self.dtype == self.wide:
            return
        if self._rounded_parameters is None:
            self._rounded_parameters = torch.empty_like(self.flat.values, dtype=self.dtype)
            view, flat = self.flat.view_of, self._rounded_parameters
            for fast, block in zip(self.blocks, self.model.blocks, strict=True):
                fast.weights = {id(layer): view(flat, layer.weight) for layer in linear_layers(block)}
            self._head_weight = view(flat, self.model.head.weight)
        self._rounded_parameters.copy_(self.flat.values)

    def _blocks_forward(self, tokens_BT: Tensor, size: Size) -> list[Tensor]:
        """The residual stream before each block and after the last."""
        width, model = self.model.config.d_model, self.model
        streams = [self._wide(f"stream_{i}", size.rows, width) for i in range(len(self.blocks) + 1)]
        torch.index_select(model.token_embedding.weight, 0, tokens_BT.reshape(-1), out=streams[0])
        streams[0].view(size.batch, size.time, width).add_(model.position_embedding.weight[: size.time])
        for i, block in enumerate(self.blocks):
            block.forward(streams[i], size, streams[i + 1])
        return streams

    def _head(
        self, x_ND: Tensor, targets_BT: Tensor, scale: float | Tensor | None, smoothing: float
    ) -> tuple[Tensor, Tensor, int | Tensor, Tensor]:
        """Gradient by the last norm's output, mean loss, number of targets and of hits; `scale` None: no gradient."""
        model, k, num_rows = self.model, self.kernels, x_ND.shape[0]
        targets_N = targets_BT.reshape(-1)
        num_counted, factor, divisor = self._counted(targets_N, scale)
        normed_ND = self._stored("normed", *x_ND.shape)
        k.layer_norm(
            x_ND,
            model.norm.weight,
            model.norm.bias,
            model.config.layer_norm_epsilon,
            normed_ND,
            *self._statistics(num_rows),
        )
        dnormed_ND, loss_N = self._stored("dnormed", *x_ND.shape), self._wide("loss", num_rows)
        hits_N = self.workspace.take("hits", num_rows, dtype=torch.int32)
        for begin in range(0, num_rows, CHUNK_ROWS):
            rows = slice(begin, min(begin + CHUNK_ROWS, num_rows))
            logits_CV = self._stored("logits", rows.stop - begin, model.config.vocab_size)
            k.linear(normed_ND[rows], self._head_weight, model.head.bias, logits_CV)
            k.cross_entropy(logits_CV, targets_N[rows], factor, smoothing, loss_N[rows], hits_N[rows])
            if scale is not None:
                if not isinstance(factor, Tensor) and factor == 0.0:
                    logits_CV.zero_()  # the kernel leaves a gradient alone that nobody seems to want
                self._head_gradient(logits_CV, normed_ND[rows], dnormed_ND[rows])
        return dnormed_ND, loss_N.sum() / divisor, num_counted, hits_N.sum()

    def _counted(
        self, targets_N: Tensor, scale: float | Tensor | None
    ) -> tuple[int | Tensor, float | Tensor, float | Tensor]:
        """Number of targets that count, `scale` over it, and what sums of losses are divided by.

        On a GPU all three stay there: asking for the number would wait for everything before it.
        """
        counted = (targets_N != -100).sum()
        if self.device.type != "cpu" or isinstance(scale, Tensor):
            divisor = counted.clamp(min=1).to(self.wide)
            return counted, 0.0 if scale is None else scale / divisor, divisor
        num_counted = int(counted)
        return num_counted, (scale or 0.0) / max(1, num_counted), max(1, num_counted)

    def _head_gradient(self, dlogits_CV: Tensor, normed_CD: Tensor, dnormed_CD: Tensor) -> None:
        """logits = normed weightᵀ + bias."""
        head = self.model.head
        gradient, add = self.flat.gradient(head.weight)
        self.kernels.linear_weight_gradient(dlogits_CV, normed_CD, gradient, add=add)
        if head.bias is not None:
            self.kernels.column_sums(dlogits_CV, self.flat.summed_gradient(head.bias))
        self.kernels.linear_input_gradient(dlogits_CV, self._head_weight, dnormed_CD)

    def _embedding_gradient(self, dx_ND: Tensor, tokens_BT: Tensor) -> None:
        """x = token_embedding[tokens] + position_embedding."""
        positions = self.flat.summed_gradient(self.model.position_embedding.weight)
        time = tokens_BT.shape[1]
        positions[:time] += dx_ND.view(-1, time, dx_ND.shape[-1]).sum(dim=0)
        table = self.flat.summed_gradient(self.model.token_embedding.weight)
        if table.is_cuda:  # sorts the tokens: equal bits every time, where index_add_ adds in any order
            table.index_put_((tokens_BT.reshape(-1),), dx_ND, accumulate=True)
        else:
            table.index_add_(0, tokens_BT.reshape(-1), dx_ND)

    def _statistics(self, num_rows: int) -> tuple[Tensor, Tensor]:
        return self._wide("mean", num_rows), self._wide("deviation", num_rows)

    def _stored(self, name: str, *shape: int) -> Tensor:
        return self.workspace.take(name, *shape, dtype=self.dtype)

    def _wide(self, name: str, *shape: int) -> Tensor:
        return self.workspace.take(name, *shape, dtype=self.wide)
