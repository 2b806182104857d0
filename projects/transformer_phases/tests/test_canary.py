"""The canary: honest eras pass, and a model that can see ahead is caught, by the exact test and by what it learns."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mldata.windows import TokenWindows
from mlmodels.transformer_eras import attention
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from transformer_phases import canary
from transformer_phases.canary import NANO_PHASES, check_causality, check_phase, sing
from transformer_phases.trainer import LeakSuspectedError


@pytest.mark.parametrize("phase", NANO_PHASES)
def test_no_era_is_better_than_its_source_allows(phase: str) -> None:
    result = check_phase(phase, num_steps=60)
    assert result.accuracy <= result.bayes_accuracy + 4 * result.accuracy_error
    assert result.excess >= -4 * result.excess_error
    assert result.learnt > 0.5, "and it has learnt enough for that to mean something"


@pytest.fixture
def without_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "causal_arguments", lambda num_queries, num_keys, device: {})


def test_an_era_without_its_mask_beats_the_source_and_is_caught(without_mask: None) -> None:
    result = sing("phase_4", num_steps=100)
    assert result.is_leak
    assert result.excess < -0.2
    with pytest.raises(LeakSuspectedError, match="leak suspected"):
        check_phase("phase_4")


@pytest.mark.parametrize("phase", NANO_PHASES)
def test_the_exact_test_sees_a_missing_mask_at_once(phase: str, without_mask: None) -> None:
    torch.manual_seed(0)
    model = EraTransformer(EraTransformerConfig(phase=phase, size="nano", max_seq_len=16))
    with pytest.raises(LeakSuspectedError, match="changes its logits before position 1"):
        check_causality(model)


def test_windows_whose_targets_are_their_inputs_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    gather = TokenWindows._gather

    def leaking(self: TokenWindows, starts: object) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, _ = gather(self, starts)
        return inputs, inputs.clone()

    monkeypatch.setattr(TokenWindows, "_gather", leaking)
    assert sing("phase_3", num_steps=40).is_leak


def test_a_canary_that_has_learnt_nothing_does_not_count_as_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    assert canary.LEAST_LEARNT > 0
    with pytest.raises(LeakSuspectedError, match="proves nothing"):
        check_phase("phase_1", num_steps=1)
