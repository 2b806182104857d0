"""Forward and backward of one block on the fast path; `custom_transformer.block` is the same in readable steps.

Kept for backward: the two states of the residual stream, the joined projections, what attention gave, and the
feed-forward network before its activation: 3·D + E + F numbers a token. Normalised inputs and activations are made
again, which costs a pass over memory instead of holding it.

N rows, B batch, T time, D features, E = 3·D, F features inside the feed-forward network, H heads.
"""

from typing import NamedTuple

from torch import Tensor, nn

from mlmodels.custom_transformer.block import Block
from mlmodels.custom_transformer.fast.flat import FlatParameters
from mlmodels.custom_transformer.fast.kernels import Kernels
from mlmodels.custom_transformer.fast.workspace import Workspace
from mlmodels.custom_transformer.layers import Linear, Norm


class Size(NamedTuple):
    """Of one batch."""

    batch: int
    time: int

    @property
    def rows(self) -> int:
        return self.batch * self.time


class FastBlock:
    """Runs a `Block`'s parameters through the kernels.

    `prefix` names what this block keeps in the workspace: two blocks with one prefix overwrite each other, which is
    what recomputing asks for.
    """

    def __init__(
        self, block: Block, kernels: Kernels, workspace: Workspace, flat: FlatParameters, prefix: str
    ) -> None:
        self.block, self.config, self.kernels, self.flat = block, block.config, kernels, flat
        self.dtype = block.dtype
        self.workspace, self.prefix = workspace, prefix
        self.weights: dict[int, Tensor] = {}  # by id of the layer: its weight in the compute dtype

    def forward(self, x_ND: Tensor, size: Size, out_ND: Tensor | None) -> None:
        """out = block(x), both in the wide dtype; `x_ND` must stay as it is until `backward`.

        None: only what `backward` needs is made again.
        """
        b, k = self.block, self.kernels
        qkv_NE, attended_ND, hidden_NF = self._kept(size)
        middle_ND = self._take("middle", size.rows, self.config.d_model, like=x_ND)
        normed_ND = self._shared("normed", size.rows, self.config.d_model)
        self._norm(b.norm_1, x_ND, normed_ND, "norm_1")
        k.linear(normed_ND, self._weight(b.qkv), b.qkv.bias, qkv_NE)
        shape = (size.batch, size.time, -1)
        k.attention(
            qkv_NE.view(shape), self.config.n_heads, attended_ND.view(shape), self._log_sums(size, x_ND)
        )
        middle_ND.copy_(x_ND)
        k.linear(attended_ND, self._weight(b.project), b.project.bias, middle_ND, add=True)
        self._norm(b.norm_2, middle_ND, normed_ND, "norm_2")
        k.linear(normed_ND, self._weight(b.up), b.up.bias, hidden_NF)
        if out_ND is None:
            return
        active_NF = self._shared("active", size.rows, self.config.d_ffn)
        k.activation(hidden_NF, active_NF, self.config.activation)
        out_ND.copy_(middle_ND)
        k.linear(active_NF, self._weight(b.down), b.down.bias, out_ND, add=True)

    def backward(self, dx_ND: Tensor, x_ND: Tensor, size: Size) -> None:
        """dx: the gradient by the block's output becomes that by its input; parameters' gradients are added."""
        self._feed_forward_backward(dx_ND, size)
        self._attention_backward(dx_ND, x_ND, size)

    def _feed_forward_backward(self, dx_ND: Tensor, size: Size) -> None:
        b, k = self.block, self.kernels
        _, _, hidden_NF = self._kept(size)
        middle_ND = self._take("middle", size.rows, self.config.d_model, like=dx_ND)
        dout_ND = self._rounded(dx_ND)
        active_NF = self._shared("active", size.rows, self.config.d_ffn)
        dhidden_NF = self._shared("dhidden", size.rows, self.config.d_ffn)
        k.activation_split(hidden_NF, active_NF, self.config.activation)  # hidden is the slope from here on
        self._weight_gradient(b.down, dx_ND, dout_ND, active_NF)  # x = middle + down(active)
        k.linear_input_gradient(dout_ND, self._weight(b.down), dhidden_NF)  # x = middle + down(active)
        assert b.up.bias is not None
        k.chain_and_sum(
            dhidden_NF, hidden_NF, self.flat.summed_gradient(b.up.bias)
        )  # active = activation(hidden)
        normed_ND = self._shared("normed", size.rows, self.config.d_model)
        self._norm(b.norm_2, middle_ND, normed_ND, "norm_2")
        self._weight_gradient(b.up, None, dhidden_NF, normed_ND)  # hidden = up(normed)
        dnormed_ND = self._shared("dnormed", size.rows, self.config.d_model)
        k.linear_input_gradient(dhidden_NF, self._weight(b.up), dnormed_ND)  # hidden = up(normed)
        self._norm_gradient(
            b.norm_2, dnormed_ND, middle_ND, dx_ND, "norm_2"
        )  # normed = norm(middle); dx adds up

    def _attention_backward(self, dx_ND: Tensor, x_ND: Tensor, size: Size) -> None:
        b, k, shape = self.block, self.kernels, (size.batch, size.time, -1)
        qkv_NE, attended_ND, _ = self._kept(size)
        dout_ND = self._rounded(dx_ND)
        self._weight_gradient(b.project, dx_ND, dout_ND, attended_ND)  # middle = x + project(attended)
        dattended_ND = self._shared("dattended", size.rows, self.config.d_model)
        k.linear_input_gradient(
            dout_ND, self._weight(b.project), dattended_ND
        )  # middle = x + project(attended)
        dqkv_NE = self._shared("dqkv", size.rows, 3 * self.config.d_model)
        k.attention_gradient(  # attended = attention(qkv)
            dattended_ND.view(shape),
            qkv_NE.view(shape),
            self.config.n_heads,
            attended_ND.view(shape),
            self._log_sums(size, dx_ND),
            dqkv_NE.view(shape),
        )
        normed_ND = self._shared("normed", size.rows, self.config.d_model)
        self._norm(b.norm_1, x_ND, normed_ND, "norm_1")
        self._weight_gradient(b.qkv, dqkv_NE, dqkv_NE, normed_ND)  # qkv = qkv(normed)
        dnormed_ND = self._shared("dnormed", size.rows, self.config.d_model)
        k.linear_input_gradient(dqkv_NE, self._weight(b.qkv), dnormed_ND)  # qkv = qkv(normed)
        self._norm_gradient(b.norm_1, dnormed_ND, x_ND, dx_ND, "norm_1")  # normed = norm(x); dx adds up

    # Layers

    def _weight(self, layer: Linear) -> Tensor:
        return self.weights.get(id(layer), layer.weight)

    def _weight_gradient(self, layer: Linear, dy_wide: Tensor | None, dy_NO: Tensor, x_NI: Tensor) -> None:
        """dweight from dy and x; dbias from dy as wide as there is one (None: it was summed elsewhere)."""
        gradient, add = self.flat.gradient(layer.weight)
        self.kernels.linear_weight_gradient(dy_NO, x_NI, gradient, add=add)
        if layer.bias is not None and dy_wide is not None:
            sums_O = self.flat.summed_gradient(layer.bias)
            if dy_wide.dtype == self.dtype:
                self.kernels.column_sums(dy_wide, sums_O)
            else:
                sums_O += dy_wide.sum(dim=0)

    def _norm(self, norm: Norm, x_ND: Tensor, y_ND: Tensor, name: str) -> None:
        self.kernels.layer_norm(
            x_ND, norm.weight, norm.bias, self.config.layer_norm_epsilon, y_ND, *self._statistics(x_ND, name)
        )

    def _norm_gradient(self, norm: Norm, dy_ND: Tensor, x_ND: Tensor, dx_ND: Tensor, name: str) -> None:
        gradients = [
            None if parameter is None else self.flat.summed_gradient(parameter)
            for parameter in (norm.weight, norm.bias)
        ]
        statistics = self._statistics(x_ND, name)
        self.kernels.layer_norm_gradient(dy_ND, x_ND, norm.weight, *statistics, dx_ND, *gradients)

    # Buffers

    def _rounded(self, dx_ND: Tensor) -> Tensor:
        """dx in the compute dtype."""
        if dx_ND.dtype == self.dtype:
            return dx_ND
        return self._shared("dout", *dx_ND.shape).copy_(dx_ND)

    def _kept(self, size: Size) -> tuple[Tensor, Tensor, Tensor]:
        d = self.config.d_model
        return (
            self.workspace.take(f"{self.prefix}.qkv", size.rows, 3 * d, dtype=self.dtype),
            self.workspace.take(f"{self.prefix}.attended", size.rows, d, dtype=self.dtype),
            self.workspace.take(f"{self.prefix}.hidden", size.rows, self.config.d_ffn, dtype=self.dtype),
        )

    def _log_sums(self, size: Size, like: Tensor) -> Tensor:
        return self._take("log_sums", size.batch, self.config.n_heads, size.time, like=like)

    def _statistics(self, x_ND: Tensor, name: str) -> tuple[Tensor, Tensor]:
        rows = x_ND.shape[0]
        return self._take(f"{name}.mean", rows, like=x_ND), self._take(f"{name}.deviation", rows, like=x_ND)

    def _take(self, name: str, *shape: int, like: Tensor) -> Tensor:
        return self.workspace.take(f"{self.prefix}.{name}", *shape, dtype=like.dtype)

    def _shared(self, name: str, *shape: int) -> Tensor:
        """Between two kernels only: all blocks use the same memory."""
        return self.workspace.take(name, *shape, dtype=self.dtype)


def linear_layers(block: nn.Module) -> list[Linear]:
    """The layers of a block whose weight is multiplied with."""
    return [module for module in block.modules() if isinstance(module, Linear)]
