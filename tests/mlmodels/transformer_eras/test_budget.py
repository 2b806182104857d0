"""The budget tool finds every shape inside the band: the scan that the design was chosen from, to the integer."""

import pytest
from mlmodels.transformer_eras.budget import Fit, fit_budget
from mlmodels.transformer_eras.size import count_parameters

BUDGET = 8_700_000
SCAN = {  # vocabulary, width, layers, tied, learned positions (0: sinusoids), bias of the head -> parameters
    (2048, 320, 6, False, 0, False): 8_708_480,
    (2048, 320, 6, False, 0, True): 8_710_528,
    (2048, 256, 10, True, 1024, True): 8_686_080,
    (2048, 256, 10, True, 1024, False): 8_684_032,
    (2000, 288, 8, True, 512, False): 8_716_032,
    (2000, 288, 8, True, 512, True): 8_718_032,
    (2000, 320, 6, False, 0, True): 8_679_760,
    (2000, 320, 6, False, 0, False): 8_677_760,
    (2000, 256, 10, True, 1024, True): 8_673_744,
    (2000, 256, 10, True, 1024, False): 8_671_744,
    (2048, 384, 4, False, 0, True): 8_672_768,
    (2048, 384, 4, False, 0, False): 8_670_720,
    (2048, 288, 8, True, 512, False): 8_729_856,
    (2048, 288, 8, True, 512, True): 8_731_904,
    (2000, 384, 4, False, 256, False): 8_732_160,
    (2000, 384, 4, False, 256, True): 8_734_160,
    (2048, 288, 8, True, 256, True): 8_658_176,
}


def as_row(fit: Fit) -> tuple[int, int, int, bool, int, bool]:
    config = fit.config
    learned = config.max_seq_len if config.positions == "learned" else 0
    size = (config.vocab_size, config.d_model, config.n_layers)
    return (*size, config.tie_weights, learned, config.head_bias)


def test_the_scan_of_vanilla_shapes_is_that_of_the_design_row_by_row() -> None:
    fits = [fit for size in (2048, 2000) for fit in fit_budget(BUDGET, size, "phase_1")]
    assert {as_row(fit): fit.num_parameters for fit in fits} == SCAN
    assert len(fits) == len(SCAN)


def test_the_nearest_shape_comes_first_and_its_operations_are_known() -> None:
    fits = fit_budget(BUDGET, 2048, "phase_1", widths=(320, 384))
    assert as_row(fits[0]) == (2048, 320, 6, False, 0, False)
    assert [abs(fit.deviation) for fit in fits] == sorted(abs(fit.deviation) for fit in fits)
    assert fits[0].deviation == pytest.approx(0.00097, abs=1e-5)
    assert fits[0].flops_per_token(256) / 1e6 == pytest.approx(51.27, abs=0.006)


@pytest.mark.parametrize(
    ("phase", "layers", "inner"), [("phase_4", 6, 1024), ("phase_4t", 7, 944), ("phase_5", 6, 1472)]
)
def test_the_later_eras_find_the_shapes_of_the_study(phase: str, layers: int, inner: int) -> None:
    fits = fit_budget(BUDGET, 2048, phase, widths=(320,))
    assert (layers, inner) in {(fit.config.n_layers, fit.config.d_ffn) for fit in fits}
    for fit in fits:
        assert fit.num_parameters == count_parameters(fit.config)["total"]
        assert abs(fit.num_parameters / BUDGET - 1) <= 0.005


def test_a_budget_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="budget must be above 0"):
        fit_budget(0, 2048, "phase_1")
