"""The two contestants of the benchmark do the same work: with the same weights they begin with the same loss."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlmodels.transformer_eras.config import EraTransformerConfig
from transformer_phases.config import ExperimentConfig
from transformer_phases.throughput import gpt2, ours, variants_of

SHAPE = {"d_model": 16, "n_layers": 2, "n_heads": 2, "d_ffn": 24, "vocab_size": 50, "max_seq_len": 12}


def test_phase_3_and_gpt_2_begin_with_the_same_loss_and_count_the_same_tokens() -> None:
    config = ExperimentConfig(
        model=EraTransformerConfig(phase="phase_3", **SHAPE), data={"sequence_length": 12}
    )
    first, second = (variant.arguments for variant in variants_of(config, 3, False))
    assert first == second
    one, two = ours(**first), gpt2(**second)
    assert one.items_per_step == two.items_per_step == 36
    losses = [[workload.step() for _ in range(2)] for workload in (one, two)]
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-5)
    assert losses[0][1] < losses[0][0], "a step trains"
    # GPT-2 also holds the position table that it does not train.
    assert two.facts["parameters"] - one.facts["parameters"] == 12 * 16
