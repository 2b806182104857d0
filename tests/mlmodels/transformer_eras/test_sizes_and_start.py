"""The eras have exactly the parameters that the study is built on, and begin where a uniform guess does."""

import math

import pytest
import torch
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.presets import STYLES, Phase, Size, sizes_of
from mlmodels.transformer_eras.size import (
    cache_values_per_token,
    count_parameters,
    flops_per_token,
    matmul_parameters,
)
from pydantic import ValidationError
from torch import nn
from torch.nn import functional

PRIMARY = {  # parameters, not looked up, MFLOP a token at 256, KV-cache values a token
    "phase_1": (8_708_480, 8_053_120, 51.27, 3_840),
    "phase_2": (8_708_480, 8_053_120, 51.27, 3_840),
    "phase_3": (8_709_120, 8_053_760, 51.27, 3_840),
    "phase_4": (8_687_680, 8_032_320, 51.14, 768),
    "phase_4t": (8_724_160, 8_724_160, 55.79, 896),
    "phase_5": (8_699_920, 7_782_416, 49.64, 768),
}
PARTS = {  # attention, feed-forward, norms, scalars
    "phase_1": (2_465_280, 4_924_800, 7_680, 0),
    "phase_3": (2_465_280, 4_924_800, 8_320, 0),
    "phase_4": (1_474_560, 5_898_240, 4_160, 0),
    "phase_4t": (1_720_320, 6_343_680, 4_800, 0),
    "phase_5": (1_474_560, 5_652_480, 0, 16),
}
OTHERS = {
    ("alternative", "phase_1"): 8_670_720,
    ("alternative", "phase_2"): 8_670_720,
    ("alternative", "phase_3"): 8_671_488,
    ("alternative", "phase_4"): 8_727_936,
    ("alternative", "phase_5"): 8_699_916,
    ("nano", "phase_1"): 433_824,
    ("nano", "phase_2"): 433_824,
    ("nano", "phase_3"): 434_016,
    ("nano", "phase_4"): 435_360,
    ("nano", "phase_5"): 435_210,
    ("debug", "phase_1"): 4_209_664,
}
COUNTS = {**{("primary", phase): row[0] for phase, row in PRIMARY.items()}, **OTHERS}
NANO = [phase for phase in STYLES if "nano" in sizes_of(phase)]


@pytest.mark.parametrize(("size", "phase"), COUNTS)
def test_the_built_model_has_exactly_as_many_parameters(size: Size, phase: Phase) -> None:
    config = EraTransformerConfig(phase=phase, size=size)
    model = EraTransformer(config)
    assert model.num_parameters() == COUNTS[size, phase] == count_parameters(config)["total"]
    roles = model.parameter_roles()
    assert sum(p.numel() for group in roles.values() for p in group) == COUNTS[size, phase]
    if size in ("primary", "alternative"):
        assert abs(COUNTS[size, phase] / 8_700_000 - 1) <= 0.005


@pytest.mark.parametrize("phase", PRIMARY)
def test_operations_and_cache_are_those_of_the_design(phase: Phase) -> None:
    config = EraTransformerConfig(phase=phase)
    _, matmul, mega_flops, cached = PRIMARY[phase]
    assert matmul_parameters(config) == matmul
    assert flops_per_token(config, 256) / 1e6 == pytest.approx(mega_flops, abs=0.006)
    assert cache_values_per_token(config) == cached


@pytest.mark.parametrize("phase", PARTS)
def test_each_part_has_the_parameters_of_the_design(phase: Phase) -> None:
    parts = count_parameters(EraTransformerConfig(phase=phase))
    assert (parts["attention"], parts["feed_forward"], parts["norms"], parts["scalars"]) == PARTS[phase]
    assert parts["token_embedding"] == 655_360
    assert parts["head"] == (0 if phase == "phase_4t" else 655_360)
    assert parts["value_embeddings"] == (262_144 if phase == "phase_5" else 0)
    model = EraTransformer(EraTransformerConfig(phase=phase))
    built = sum(p.numel() for block in model.blocks for p in block.attention.parameters() if p.ndim == 2)
    biases = 6 * 4 * 320 if phase in ("phase_1", "phase_3") else 0
    assert built + biases == parts["attention"]


def first_loss(config: EraTransformerConfig) -> float:
    torch.manual_seed(0)
    model = EraTransformer(config)
    tokens = torch.randint(config.vocab_size, (12, config.max_seq_len + 1))
    logits = model.logits(tokens[:, :-1])
    return float(functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()))


@pytest.mark.parametrize("phase", NANO)
def test_the_first_loss_is_nearly_that_of_a_uniform_guess(phase: Phase) -> None:
    config = EraTransformerConfig(phase=phase, size="nano")
    assert first_loss(config) == pytest.approx(math.log(config.vocab_size), rel=0.03)


def test_a_tied_model_begins_there_too_which_torchs_own_embedding_would_not() -> None:
    config = EraTransformerConfig(phase="phase_4t", n_layers=2, d_ffn=64, max_seq_len=64)
    assert first_loss(config) == pytest.approx(math.log(2048), rel=0.03)
    torch.manual_seed(0)
    model = EraTransformer(config)
    nn.init.normal_(model.token_embedding.weight)
    tokens = torch.randint(2048, (2, 65))
    logits = model.logits(tokens[:, :-1])
    assert functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()) > 2 * math.log(2048)


@pytest.mark.parametrize("phase", NANO)
def test_weights_are_a_function_of_the_generator(phase: Phase) -> None:
    model = EraTransformer(EraTransformerConfig(phase=phase, size="nano"))
    states = []
    for seed in (1, 1, 2):
        model.init_weights(torch.Generator().manual_seed(seed))
        states.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_heads": 7}, "nearest that does: 8"),
        ({"n_kv_heads": 4}, "n_kv_heads 4 does not divide n_heads 10"),
        ({"positions": "rope", "d_model": 30, "n_heads": 10}, "must be even, not 3"),
        ({"value_embedding_layers": (6,)}, "they are 0 to 5"),
        ({"phase": "phase_5", "size": "debug"}, "no phase_5 of size 'debug'"),
        ({"phase": "phase_5", "tie_weights": True}, "head of zeros"),
        ({"d_modle": 3}, "d_modle"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_in_words(keys: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EraTransformerConfig(**keys)


def test_a_key_beside_a_phase_goes_before_the_preset_and_survives_a_round_trip() -> None:
    config = EraTransformerConfig(phase="phase_4", size="nano", d_ffn=128)
    assert (config.d_ffn, config.feed_forward, config.norm) == (128, "swiglu", "rms_norm")
    assert EraTransformerConfig(**config.model_dump(mode="json")) == config
