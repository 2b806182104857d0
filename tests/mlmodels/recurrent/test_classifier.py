"""Sequences of different lengths: padding changes nothing, against torch's packed sequences and against no padding."""

from collections.abc import Callable

import pytest
import torch
from mlmodels.recurrent import RecurrentClassifier, RecurrentClassifierConfig
from mlmodels.recurrent.padding import reverse_within_lengths
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .conftest import BATCH, HIDDEN, INPUTS, NUM_STEPS

LENGTHS = torch.tensor([2, NUM_STEPS, 4])
ORACLES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def make_model(**options: object) -> RecurrentClassifier:
    sizes = {"vocab_size": 13, "embedding_size": 6, "hidden_size": 8, "num_classes": 3}
    return RecurrentClassifier.from_config(RecurrentClassifierConfig(**{**sizes, **options})).double()


@pytest.mark.parametrize("cell", ORACLES)
@pytest.mark.parametrize("kernels", ["reference", "fast", "torch"])
def test_padded_sequences_give_what_torchs_packed_sequences_give(
    make_stack: Callable, monkeypatch: pytest.MonkeyPatch, cell: str, kernels: str
) -> None:
    stack = make_stack(cell, num_layers=2, bidirectional=True)
    oracle = ORACLES[cell](INPUTS, HIDDEN, 2, bidirectional=True).double()
    oracle.load_state_dict(stack.state_dict())
    if kernels == "torch":
        monkeypatch.setattr("mlmodels.recurrent.stacks.choose_path", lambda *_: "torch")
    else:
        stack.kernels = kernels
    x = torch.randn(NUM_STEPS, BATCH, INPUTS).double().requires_grad_()
    packed, _ = oracle(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed)
    found, state = stack(x, lengths_B=LENGTHS)
    assert state is None
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weights = torch.randn_like(expected)
    (dx_found,), (dx_expected,) = (torch.autograd.grad((y * weights).sum(), x) for y in (found, expected))
    torch.testing.assert_close(dx_found, dx_expected, rtol=0, atol=1e-12)
    assert not dx_found[2:, 0].any()


@pytest.mark.parametrize("pooling", ["mean", "max", "last"])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("kernels", ["reference", "fast"])
def test_padding_never_influences_the_result(
    pooling: str, bidirectional: bool, layer_norm: bool, kernels: str
) -> None:
    model = make_model(
        pooling=pooling, bidirectional=bidirectional, layer_norm=layer_norm, kernels=kernels, num_layers=2
    )
    rows = [torch.randint(1, 13, (length,)) for length in (3, 7, 1)]
    alone = torch.cat([model(row[None]) for row in rows])
    padded = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    longer = nn.functional.pad(padded, (0, 5))
    lengths = torch.tensor([3, 7, 1])
    rubbish = torch.where(longer == 0, 9, longer)
    for found in (model(padded), model(longer), model(longer, lengths), model(rubbish, lengths)):
        torch.testing.assert_close(found, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_last_pooling_is_where_each_direction_ends(bidirectional: bool) -> None:
    model = make_model(pooling="last", bidirectional=bidirectional, kernels="reference")
    tokens = torch.randint(1, 13, (4, 6))
    _, state = model.recurrent(model.embedding(tokens))
    expected = torch.cat(list(state[0][-model.recurrent.num_directions :]), dim=-1)
    torch.testing.assert_close(model.features(tokens), expected, rtol=0, atol=1e-12)
    assert model.dim == expected.shape[1]


def test_sequences_are_reversed_within_their_lengths() -> None:
    x_TBF = torch.arange(12.0).view(4, 3, 1)
    lengths = torch.tensor([1, 4, 3])
    found = reverse_within_lengths(x_TBF, lengths)
    assert found[..., 0].T.tolist() == [[0, 3, 6, 9], [10, 7, 4, 1], [8, 5, 2, 11]]
    assert torch.equal(reverse_within_lengths(found, lengths), x_TBF)


def test_a_padding_token_inside_a_sequence_belongs_to_it_and_an_empty_one_has_one_token() -> None:
    model = make_model()
    tokens = torch.tensor([[5, 0, 7, 0], [0, 0, 0, 0]])
    assert torch.equal(model(tokens), model(tokens, torch.tensor([3, 1])))


@pytest.mark.parametrize(
    ("lengths", "words"), [([1, 5], "1 … 4"), ([0, 2], "1 … 4"), ([1], "for 2 sequences")]
)
def test_lengths_that_do_not_fit_are_refused(lengths: list[int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_model()(torch.ones(2, 4, dtype=torch.long), torch.tensor(lengths))


def test_both_directions_learn_what_only_the_first_token_tells() -> None:
    torch.manual_seed(0)
    model = make_model(bidirectional=True, num_classes=2).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    tokens = torch.randint(3, 13, (64, 12))
    labels = torch.randint(2, (64,))
    tokens[:, 0] = labels + 1
    for _ in range(40):
        loss = nn.functional.cross_entropy(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
