"""Without normalisation our cells are torch's: the same names, the same numbers, the same gradients."""

from collections.abc import Callable

import pytest
import torch
from mlmodels.recurrent import GRUCell, LSTMCell, RNNCell
from torch import nn

from .conftest import BATCH, HIDDEN, INPUTS, NUM_STEPS

ORACLES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-6}
SHAPES = [(1, False), (1, True), (3, False), (2, True)]


def oracle_of(stack: nn.Module, cell: str) -> nn.Module:
    """torch's module with the stack's weights."""
    dtype = next(stack.parameters()).dtype
    oracle = ORACLES[cell](INPUTS, HIDDEN, stack.num_layers, bidirectional=stack.bidirectional, dtype=dtype)
    oracle.load_state_dict(stack.state_dict())
    return oracle


@pytest.mark.parametrize("cell", ORACLES)
@pytest.mark.parametrize(("num_layers", "bidirectional"), SHAPES)
@pytest.mark.parametrize("kernels", ["reference", "fast"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("with_state", [True, False])
def test_outputs_states_and_gradients_are_torchs(
    make_stack: Callable,
    differentiate: Callable,
    worst_difference: Callable,
    cell: str,
    num_layers: int,
    bidirectional: bool,
    kernels: str,
    dtype: torch.dtype,
    with_state: bool,
) -> None:
    stack = make_stack(cell, dtype, num_layers=num_layers, bidirectional=bidirectional, kernels=kernels)
    found = differentiate(stack, with_state=with_state)
    expected = differentiate(oracle_of(stack, cell), with_state=with_state)
    assert worst_difference(found, expected) < TOLERANCE[dtype]


@pytest.mark.parametrize("cell", ORACLES)
def test_state_dicts_have_torchs_names_in_torchs_order(make_stack: Callable, cell: str) -> None:
    stack = make_stack(cell, num_layers=2, bidirectional=True)
    names = list(ORACLES[cell](INPUTS, HIDDEN, 2, bidirectional=True).state_dict())
    assert list(stack.state_dict()) == names


@pytest.mark.parametrize("cell", ORACLES)
def test_torchs_own_operation_runs_our_weights(
    make_stack: Callable,
    differentiate: Callable,
    worst_difference: Callable,
    monkeypatch: pytest.MonkeyPatch,
    cell: str,
) -> None:
    stack = make_stack(cell, num_layers=2, bidirectional=True)
    expected = differentiate(oracle_of(stack, cell))
    monkeypatch.setattr("mlmodels.recurrent.stacks.choose_path", lambda *_: "torch")
    assert worst_difference(differentiate(stack), expected) == 0.0


@pytest.mark.parametrize(
    ("ours", "oracle"), [(LSTMCell, nn.LSTMCell), (GRUCell, nn.GRUCell), (RNNCell, nn.RNNCell)]
)
@pytest.mark.parametrize("with_state", [True, False])
def test_a_single_cell_is_torchs(ours: type, oracle: type, with_state: bool) -> None:
    cell, other = ours(INPUTS, HIDDEN).double(), oracle(INPUTS, HIDDEN).double()
    other.load_state_dict(cell.state_dict())
    h, c = torch.randn(BATCH, HIDDEN).double(), torch.randn(BATCH, HIDDEN).double()
    state = ((h, c) if ours is LSTMCell else h) if with_state else None
    x = torch.randn(BATCH, INPUTS).double()
    torch.testing.assert_close(cell(x, state), other(x, state), rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layer_norm", [True, False])
def test_a_stack_is_its_cells_one_after_another(make_stack: Callable, cell: str, layer_norm: bool) -> None:
    stack = make_stack(cell, layer_norm=layer_norm, kernels="reference")
    single = {"lstm": LSTMCell, "gru": GRUCell, "rnn": RNNCell}[cell](INPUTS, HIDDEN, layer_norm=layer_norm)
    single = single.double()
    single.load_state_dict({name.replace("_l0", ""): tensor for name, tensor in stack.state_dict().items()})
    x, state, outputs = torch.randn(NUM_STEPS, BATCH, INPUTS).double(), None, []
    for x_BI in x:
        state = single(x_BI, state)
        outputs.append(state[0] if cell == "lstm" else state)
    torch.testing.assert_close(stack(x)[0], torch.stack(outputs), rtol=0, atol=1e-12)


def test_batch_first_only_exchanges_the_axes(make_stack: Callable) -> None:
    stack = make_stack("gru", num_layers=2)
    twin = make_stack("gru", num_layers=2, batch_first=True)
    twin.load_state_dict(stack.state_dict())
    x = torch.randn(NUM_STEPS, BATCH, INPUTS).double()
    (y, state), (y_twin, state_twin) = stack(x), twin(x.transpose(0, 1))
    assert torch.equal(y.transpose(0, 1), y_twin)
    assert torch.equal(state, state_twin)


def test_dropout_acts_between_layers_in_training_only(make_stack: Callable) -> None:
    stack = make_stack("lstm", num_layers=2, dropout=0.5)
    x = torch.randn(NUM_STEPS, BATCH, INPUTS).double()
    plain = make_stack("lstm", num_layers=2)
    plain.load_state_dict(stack.state_dict())
    assert not torch.equal(stack(x)[0], plain(x)[0])
    assert torch.equal(stack.eval()(x)[0], plain(x)[0])


@pytest.mark.parametrize(
    ("shape", "state", "words"),
    [
        ((4, 3, 7), None, r"\(4, 3, 7\); needed: \(time, batch, 5\)"),
        ((0, 3, 5), None, "needed"),
        ((4, 5), None, "needed"),
        ((4, 3, 5), (1, 2, 11), r"state of shape \(1, 2, 11\); this input needs \(1, 3, 11\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    make_stack: Callable, shape: tuple[int, ...], state: tuple[int, ...] | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make_stack("gru")(torch.zeros(shape).double(), None if state is None else torch.zeros(state))


def test_an_lstm_wants_a_pair_as_its_state(make_stack: Callable) -> None:
    with pytest.raises(ValueError, match=r"a pair \(h, c\)"):
        make_stack("lstm")(torch.zeros(2, 3, 5).double(), torch.zeros(1, 3, 11).double())
