"""Hand formulas against torch's counter, on meta tensors where that counter is exact."""

import pytest
import torch
from mlcore.logger import (
    attention_flops,
    count_parameters,
    linear_flops,
    matmul_flops,
    transformer_flops_per_token,
)
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def counted(function) -> int:  # type: ignore[no-untyped-def]
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


@pytest.mark.parametrize(("rows", "inner", "columns", "batch"), [(1, 1, 1, 1), (3, 5, 7, 1), (16, 64, 32, 4)])
def test_products_count_as_torch_counts_them(rows: int, inner: int, columns: int, batch: int) -> None:
    left = torch.empty(batch, rows, inner, device="meta")
    right = torch.empty(batch, inner, columns, device="meta")
    assert matmul_flops(rows, inner, columns, batch=batch) == counted(lambda: torch.bmm(left, right))


@pytest.mark.parametrize("backward", [False, True])
def test_linear_layers_count_as_torch_counts_them(backward: bool) -> None:
    layer = nn.Linear(48, 80, bias=False, device="meta")
    inputs = torch.empty(13, 48, device="meta", requires_grad=True)

    def run() -> None:
        loss = layer(inputs).sum()
        if backward:
            loss.backward()

    assert linear_flops(13, 48, 80, backward=backward) == counted(run)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(
    ("heads", "queries", "keys", "width"), [(1, 5, 5, 8), (4, 33, 33, 16), (2, 7, 19, 4)]
)
def test_attention_counts_as_torch_counts_it(
    backward: bool, heads: int, queries: int, keys: int, width: int
) -> None:
    q = torch.empty(3, heads, queries, width, device="meta", requires_grad=True)
    k, v = (torch.empty(3, heads, keys, width, device="meta", requires_grad=True) for _ in range(2))

    def run() -> None:
        output = torch.softmax(q @ k.transpose(-1, -2), dim=-1) @ v
        if backward:
            output.sum().backward()

    assert attention_flops(queries, keys, heads * width, batch=3, backward=backward) == counted(run)


class Decoder(nn.Module):
    """The usual decoder, with every product written out."""

    def __init__(
        self, vocabulary: int, d_model: int, num_layers: int, d_ffn: int, heads: int, tied: bool
    ) -> None:
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(vocabulary, d_model)
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                nn.Linear(*shape, bias=False)
                for shape in ((d_model, 3 * d_model), (d_model, d_model), (d_model, d_ffn), (d_ffn, d_model))
            )
            for _ in range(num_layers)
        )
        self.head = nn.Linear(d_model, vocabulary, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens)
        batch, length, width = x.shape
        for qkv, out, up, down in self.blocks:  # type: ignore[misc]
            q, k, v = (
                part.view(batch, length, self.heads, -1).transpose(1, 2) for part in qkv(x).chunk(3, dim=-1)
            )
            mixed = torch.softmax(q @ k.transpose(-1, -2), dim=-1) @ v
            x = x + out(mixed.transpose(1, 2).reshape(batch, length, width))
            x = x + down(torch.relu(up(x)))
        return self.head(x)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("backward", [False, True])
def test_the_transformer_formula_counts_a_whole_model_exactly(tied: bool, backward: bool) -> None:
    vocabulary, width, layers, ffn, length = 101, 32, 3, 80, 24
    with torch.device("meta"):
        model = Decoder(vocabulary, width, layers, ffn, 4, tied)
        tokens = torch.zeros(2, length, dtype=torch.int64)

    def run() -> None:
        loss = model(tokens).sum()
        if backward:
            loss.backward()

    matmul_parameters = layers * (4 * width * width + 2 * width * ffn) + vocabulary * width
    per_token = transformer_flops_per_token(matmul_parameters, layers, width, length, backward=backward)
    assert per_token * 2 * length == counted(run)
    expected = matmul_parameters + (0 if tied else vocabulary * width)
    assert count_parameters(model) == expected, "tied parameters count once"


def test_frozen_parameters_count_unless_only_trainable_ones_are_asked_for() -> None:
    layer = nn.Linear(3, 4)
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 16
    assert count_parameters(layer, trainable_only=True) == 12
