"""The gradient report: it passes, it covers everything it claims, and it cannot pass vacuously."""

import dataclasses
import json
import math
import subprocess
import sys

import pytest
import torch
from mlmodels.custom_transformer import ops
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.gradient_checks import op_cases
from mlmodels.gradient_checks.draws import Draws
from mlmodels.gradient_checks.model_checks import MODEL_NAMES, check_model
from mlmodels.gradient_checks.op_checks import UncoveredGradientError, check_op, discover_ops
from mlmodels.gradient_checks.relative_error import difference_error, relative_error
from mlmodels.gradient_checks.report import GradientReport
from mlmodels.gradient_checks.run import model_paths, run_gradient_report


@pytest.fixture(scope="module")
def report() -> GradientReport:
    return run_gradient_report(num_cases=40, seed=3)


def test_every_gradient_meets_its_goal(report: GradientReport) -> None:
    assert report.passed, report.to_table()
    assert report.worst("float64") <= 1e-9
    assert report.worst("float32") <= 1e-5


def test_in_bfloat16_no_gradient_is_worse_than_four_times_autograds_own(report: GradientReport) -> None:
    rows = [row for row in report.rows if row.dtype == "bfloat16"]
    assert rows
    for row in rows:
        assert row.worst_error <= max(4.0 * row.autograd_error, 2.0**-8), row


def test_the_report_has_every_op_and_every_parameter_in_every_dtype(report: GradientReport) -> None:
    parameters = dict(CustomTransformer(CustomTransformerConfig(d_model=8, n_blocks=2)).named_parameters())
    for dtype in ("float64", "float32", "bfloat16"):
        rows = [row for row in report.rows if row.dtype == dtype]
        assert {row.name for row in rows if row.subject == "op"} == set(discover_ops())
        assert {row.tensor for row in rows if row.subject == "model"} == set(parameters)
        assert all(row.num_cases > 0 for row in rows)
    assert all(row.num_difference_cases > 0 for row in report.rows if row.dtype == "float64")


def test_the_json_is_strict_and_complete(report: GradientReport) -> None:
    loaded = json.loads(report.to_json())
    assert loaded["passed"] is True
    assert len(loaded["rows"]) == len(report.rows)
    assert {"name", "tensor", "dtype", "worst_error", "difference_error", "goal", "passed"} <= loaded["rows"][
        0
    ].keys()


def test_the_table_has_a_line_for_every_row_and_says_what_failed(report: GradientReport) -> None:
    failed = dataclasses.replace(report.rows[0], worst_error=math.inf)
    broken = dataclasses.replace(report, rows=(failed, *report.rows[1:]))
    assert len(report.to_table().splitlines()) == len(report.rows) + 3
    assert "FAILED" not in report.to_table()
    assert "FAILED" in broken.to_table().splitlines()[1]
    assert not broken.passed
    assert broken.failures == (failed,)
    assert json.loads(broken.to_json())["rows"][0]["worst_error"] is None


def test_a_report_without_rows_or_a_row_without_cases_does_not_pass(report: GradientReport) -> None:
    assert not dataclasses.replace(report, rows=()).passed
    assert not dataclasses.replace(report.rows[0], num_cases=0).passed


def test_equal_seeds_give_equal_reports_and_other_seeds_other_cases() -> None:
    first, second, other = (check_op("linear", num_cases=5, seed=seed) for seed in (1, 1, 2))
    assert first == second
    assert [row.worst_case for row in first] != [row.worst_case for row in other]


def test_an_op_without_a_check_is_an_error(tmp_path, monkeypatch) -> None:
    (tmp_path / "rotary.py").write_text("")
    monkeypatch.setattr(ops, "__path__", [*ops.__path__, str(tmp_path)])
    with pytest.raises(UncoveredGradientError, match=r"no gradient check for ops/rotary\.py"):
        run_gradient_report(num_cases=1)


def test_a_tensor_input_that_no_case_has_is_an_error(monkeypatch) -> None:
    linear_case = op_cases.linear_case

    def without_bias(draws: Draws) -> op_cases.OpCase:
        case = linear_case(draws)
        return dataclasses.replace(case, inputs={k: v for k, v in case.inputs.items() if k != "bias_O"})

    monkeypatch.setattr(op_cases, "linear_case", without_bias)
    with pytest.raises(UncoveredGradientError, match="bias_O"):
        check_op("linear", num_cases=5)


def test_progress_is_told_from_the_first_op_to_the_end() -> None:
    calls: list[tuple[str, int, int]] = []
    run_gradient_report(num_cases=1, dtypes=["float64"], progress=lambda *call: calls.append(call))
    assert [done for _, done, _ in calls] == list(range(len(discover_ops()) + len(model_paths()) + 1))
    assert calls[-1][0] == "done"


@pytest.mark.parametrize(("dtypes", "num_cases"), [(["float16"], 1), ([], 1), (["float32"], 0)])
def test_an_unknown_dtype_or_no_cases_is_refused(dtypes: list[str], num_cases: int) -> None:
    with pytest.raises(ValueError, match=r"is not one of|must be 1 or above"):
        run_gradient_report(num_cases=num_cases, dtypes=dtypes)


def test_this_machine_checks_the_ops_and_the_fast_path(report: GradientReport) -> None:
    assert model_paths() == ["reference", "fast"]
    assert {row.name for row in report.rows if row.subject == "model"} == set(MODEL_NAMES.values())


def test_the_model_check_varies_every_option() -> None:
    rows = check_model(num_cases=30, num_difference_cases=0, dtypes=["float64"])
    by_name = {row.tensor: row for row in rows}
    assert 0 < by_name["head.weight"].num_cases < by_name["blocks.0.qkv.weight"].num_cases == 30
    assert 0 < by_name["head.bias"].num_cases < 30
    assert 0 < by_name["norm.weight"].num_cases < 30


def test_relative_error_is_that_of_the_largest_entry() -> None:
    reference = torch.tensor([10.0, 1e-9])
    assert relative_error(torch.tensor([10.0, 0.1]), reference) == pytest.approx(0.01)
    assert relative_error(reference, reference) == 0.0
    assert relative_error(torch.zeros(2), torch.zeros(2)) == 0.0


def test_relative_error_has_a_floor_of_a_hundredth_of_the_incoming_gradient() -> None:
    assert relative_error(torch.tensor([1e-3]), torch.tensor([0.0]), incoming=1.0) == pytest.approx(0.1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_or_a_wrong_shape_is_an_infinite_error(value: float) -> None:
    assert relative_error(torch.tensor([1.0, value]), torch.ones(2)) == math.inf
    assert relative_error(torch.ones(1), torch.ones(2)) == math.inf
    assert relative_error(torch.ones(1), torch.zeros(1)) == math.inf


def test_central_differences_find_the_slope_to_twelve_digits_and_put_the_tensor_back() -> None:
    x = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64)
    kept = x.clone()
    signs = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    assert difference_error(lambda: float(x.sin().sum()), x, x.cos(), signs) < 1e-12
    assert difference_error(lambda: float(x.sin().sum()), x, x.cos() * 1.001, signs) > 1e-4
    assert torch.equal(x, kept)


def test_draws_are_a_function_of_seed_subject_and_index() -> None:
    assert torch.equal(Draws(1, "a", 2).normal(3), Draws(1, "a", 2).normal(3))
    values = {float(Draws(*key).normal()) for key in [(1, "a", 2), (2, "a", 2), (1, "b", 2), (1, "a", 3)]}
    assert len(values) == 4


def test_importing_the_package_imports_no_torch() -> None:
    code = "import mlmodels.gradient_checks, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
