"""Parameter counts to the last one, operations as torch counts them, and the values that training starts from."""

import math
import subprocess
import sys

import pytest
import torch
from mlmodels.recurrent import (
    GRU,
    LSTM,
    LSTMCell,
    RecurrentClassifier,
    RecurrentClassifierConfig,
    RecurrentLanguageModel,
    RecurrentLanguageModelConfig,
    VanillaRNN,
)
from mlmodels.recurrent.equal_size import with_num_parameters
from mlmodels.recurrent.size import count_parameters
from mlmodels.recurrent.stacks import RecurrentStack
from pydantic import ValidationError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

TOKENS = {"vocab_size": 500, "embedding_size": 384, "hidden_size": 512, "num_layers": 3}


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 2_121_475),
        ({"layer_norm": False}, 2_109_187),
        ({"cell": "gru", "layer_norm": False}, 1_591_555),
        ({"cell": "rnn", "layer_norm": False}, 556_291),
        ({**TOKENS, "layer_norm": False}, 6_490_100),
        (TOKENS, 6_514_676),
    ],
)
def test_language_models_have_the_published_number_of_parameters(
    options: dict[str, object], count: int
) -> None:
    config = RecurrentLanguageModelConfig(**options)
    with torch.device("meta"):
        assert num_parameters(RecurrentLanguageModel(config)) == count
    assert count_parameters(config)["total"] == count


@pytest.mark.parametrize(("stack", "count"), [(LSTM, 5_385_091), (GRU, 4_054_915), (VanillaRNN, 1_394_563)])
def test_the_bare_bidirectional_construction_has_the_published_number(
    stack: type[RecurrentStack], count: int
) -> None:
    parts = nn.ModuleList([nn.Embedding(67, 192), stack(192, 384, 2, bidirectional=True), nn.Linear(768, 67)])
    assert num_parameters(parts) == count


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("layer_norm", [True, False])
def test_the_count_of_a_config_is_that_of_the_built_model(
    cell: str, bidirectional: bool, layer_norm: bool
) -> None:
    config = RecurrentClassifierConfig(
        cell=cell, vocab_size=13, embedding_size=6, hidden_size=5, num_layers=3, num_classes=4,
        bidirectional=bidirectional, layer_norm=layer_norm,
    )  # fmt: skip
    model, parts = RecurrentClassifier(config), count_parameters(config)
    assert parts.pop("total") == sum(parts.values()) == num_parameters(model)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_operations_are_those_that_torch_counts(cell: str) -> None:
    config = RecurrentLanguageModelConfig(
        cell=cell, vocab_size=13, embedding_size=6, hidden_size=5, num_layers=2, kernels="reference"
    )
    model, num_steps, batch = RecurrentLanguageModel(config), 4, 3
    with FlopCounterMode(display=False) as counter:
        model(torch.randint(13, (batch, num_steps)))[0].sum().backward()
    num_gates = model.recurrent.cell.num_gates * 5
    into_the_first_states = 2 * 2 * batch * num_gates * 5  # nobody asks for these gradients: 2 layers
    assert counter.get_total_flops() + into_the_first_states == num_steps * batch * model.flops_per_token


def test_a_training_sample_of_the_original_costs_313_million_operations() -> None:
    with torch.device("meta"):
        model = RecurrentLanguageModel(RecurrentLanguageModelConfig(vocab_size=65))
    assert 25 * model.flops_per_token == pytest.approx(313e6, rel=2e-3)


def test_weights_are_xavier_uniform_and_biases_zero_but_for_the_forget_gate() -> None:
    stack = LSTM(100, 200, 2, bidirectional=True)
    for name, parameter in stack.named_parameters():
        if name.startswith("weight"):
            bound = math.sqrt(6.0 / sum(parameter.shape))
            assert 0.99 * bound < parameter.abs().max() <= bound
            assert parameter.detach().std() == pytest.approx(bound / math.sqrt(3), rel=0.02)
        elif name.startswith("bias_ih"):
            i, f, g, o = parameter.chunk(4)
            assert (f == 1).all()
            assert not torch.cat([i, g, o]).any()
        else:
            assert not parameter.any()


@pytest.mark.parametrize("layer_norm", [True, False])
@torch.no_grad()
def test_the_forget_gate_is_open_by_0_731_on_average_at_the_start(layer_norm: bool) -> None:
    cell = LSTMCell(192, 384, layer_norm=layer_norm)
    h, c = torch.zeros(256, 384), torch.zeros(256, 384)
    for _ in range(10):
        # A huge memory drowns what the input gate adds: what is left of it is the forget gate.
        x_BI, much = torch.randn(256, 192), torch.full_like(c, 1e6)
        forget_gate = cell(x_BI, (h, much))[1] / 1e6
        assert float(forget_gate.mean()) == pytest.approx(0.731, abs=0.02)
        h, c = cell(x_BI, (h, c))


def test_normalisation_does_not_hide_the_forget_bias() -> None:
    """A bias inside the normalisation would be spread over the gates: with no input the gate would be σ(1.73)."""
    cell = LSTMCell(4, 8, layer_norm=True)
    _, c = cell(torch.zeros(1, 4), (torch.zeros(1, 8), torch.ones(1, 8)))
    torch.testing.assert_close(c, torch.full((1, 8), torch.tensor(1.0).sigmoid().item()))


def test_a_generator_decides_all_starting_values() -> None:
    config = RecurrentLanguageModelConfig(vocab_size=7, embedding_size=3, hidden_size=4)
    first, second = RecurrentLanguageModel(config), RecurrentLanguageModel(config)
    for model in (first, second):
        model.init_weights(torch.Generator().manual_seed(3))
    states = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)


def test_a_bidirectional_language_model_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="reads the very token that is to be predicted"):
        RecurrentLanguageModelConfig(bidirectional=True)


def test_configs_refuse_what_they_do_not_know_and_paddings_that_are_no_tokens() -> None:
    with pytest.raises(ValidationError, match="hidden"):
        RecurrentLanguageModelConfig(hidden=3)
    with pytest.raises(ValueError, match="pad_id 70 is no token: vocab_size is 67"):
        RecurrentClassifierConfig(pad_id=70)


def test_a_config_is_read_without_torch() -> None:
    code = "import sys, mlmodels.recurrent.config, mlmodels.recurrent.size; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("wanted", [60_000, 100_000, 2_121_475])
def test_models_of_every_cell_can_have_equally_many_parameters(wanted: int) -> None:
    for cell in ("lstm", "gru", "rnn"):
        for layer_norm in (False, True):
            base = RecurrentLanguageModelConfig(
                cell=cell, layer_norm=layer_norm, embedding_size=40, num_layers=1
            )
            with torch.device("meta"):
                model = RecurrentLanguageModel(with_num_parameters(base, wanted))
            assert num_parameters(model) == pytest.approx(wanted, rel=0.005)
            assert abs(model.config.embedding_size - 40) <= 10


def test_the_embedding_keeps_its_size_where_a_hidden_size_alone_does() -> None:
    solved = with_num_parameters(RecurrentLanguageModelConfig(layer_norm=False), 2_121_475)
    assert (solved.embedding_size, solved.hidden_size) == (192, 385)
    assert with_num_parameters(solved, count_parameters(solved)["total"]) == solved


def test_a_number_of_parameters_that_no_size_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="the nearest is"):
        with_num_parameters(RecurrentLanguageModelConfig(), 2_000)
