"""evaluation.json: whole or not at all, always valid JSON, and read back as it was written."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlcore.evaluator.baselines import ngram_baselines
from mlcore.evaluator.coherence_report import CoherenceReport
from mlcore.evaluator.evaluation_file import EvaluationFileError, read_evaluation, write_evaluation
from mlcore.evaluator.heuristic_judge import HeuristicJudge
from mlcore.evaluator.language_metrics import LanguageMetricsSum
from mlcore.evaluator.samples import Sample


def write(run: Path, **changes: Any) -> Path:
    return write_evaluation(run, **{"checkpoint": "best.pt", "split": "validation", "metrics": {}, **changes})


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_everything_the_evaluator_makes_is_written_and_read_back(tmp_path: Path) -> None:
    total = LanguageMetricsSum(np.ones(5))
    total.add(torch.randn(3, 4, 5), torch.randint(5, (3, 4)))
    metrics = total.result()
    baselines = ngram_baselines([0, 1, 2], [1, 2], vocab_size=5)
    samples = [Sample(prompt="Once", text="a dog </script>\u2028 ran.", num_tokens=3, ended=False, seed=9)]
    heuristic = HeuristicJudge().judge(samples)
    path = write(
        tmp_path,
        checkpoint=tmp_path / "checkpoints" / "best.pt",
        metrics=metrics,
        baselines=baselines,
        samples=samples,
        coherence=CoherenceReport.skipped("no key", num_asked=1),
        heuristic=heuristic,
        seconds=1.5,
    )
    content = read_evaluation(tmp_path)
    assert path == tmp_path / "evaluation.json"
    assert content["schema"] == 1
    assert content["checkpoint"] == str(tmp_path / "checkpoints" / "best.pt")
    assert content["metrics"]["loss"] == metrics.loss
    assert content["metrics"]["loss_interval"] == list(metrics.loss_interval)
    assert content["baselines"]["bigram"]["loss"] == baselines["bigram"].loss
    assert content["samples"] == [samples[0].as_dict()]
    assert content["coherence"]["status"] == "skipped: no key"
    assert content["heuristic"]["means"]["overall"] == heuristic.means["overall"]
    assert content["seconds"] == 1.5


def test_nan_and_infinity_become_null_at_any_depth(tmp_path: Path) -> None:
    bad = {
        "a": math.nan,
        "b": [math.inf, (1.0, -math.inf)],
        "c": {"d": np.float32("nan")},
        "e": torch.tensor([math.nan]),
    }
    text = write(tmp_path, metrics=bad).read_text()
    content = json.loads(text, parse_constant=refuse_constant)
    assert content["metrics"] == {"a": None, "b": [None, [1.0, None]], "c": {"d": None}, "e": [None]}


def test_numbers_of_numpy_and_torch_become_plain_ones(tmp_path: Path) -> None:
    write(
        tmp_path,
        metrics={"n": np.int64(3), "x": np.float64(0.5), "t": torch.tensor(2), "b": np.True_, "k": True},
    )
    assert read_evaluation(tmp_path)["metrics"] == {"n": 3, "x": 0.5, "t": 2, "b": True, "k": True}


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    text = 'quote " backslash \\ nul \x00 surrogate \ud800 line \u2028 emoji 🙂 <script>'
    write(tmp_path, samples=[{"prompt": text, "text": text}])
    assert read_evaluation(tmp_path)["samples"][0]["text"] == text


def test_a_value_that_json_cannot_hold_is_an_error_and_the_old_file_stays(tmp_path: Path) -> None:
    path = write(tmp_path, metrics={"loss": 1.0})
    before = path.read_bytes()
    with pytest.raises(TypeError, match="cannot hold a object"):
        write(tmp_path, metrics={"loss": object()})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["evaluation.json"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, metrics={"loss": 1.0})

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"os.{step}", fail)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, metrics={"loss": 2.0})
    monkeypatch.undo()
    assert read_evaluation(tmp_path)["metrics"]["loss"] == 1.0
    assert path.exists()
    assert os.listdir(tmp_path) == ["evaluation.json"]


def test_a_second_evaluation_replaces_the_first(tmp_path: Path) -> None:
    write(tmp_path, metrics={"loss": 1.0, "old": 1})
    write(tmp_path, metrics={"loss": 2.0})
    assert read_evaluation(tmp_path)["metrics"] == {"loss": 2.0}


def test_a_projects_own_key_may_not_replace_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="already has the key 'schema'"):
        write(tmp_path, schema=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; has this run been evaluated"),
        (b"", "damaged"),
        (b'{"schema": 1', "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[1]", "schema None"),
        (b'{"schema": 99}', "schema 99, this version reads schema 1"),
    ],
)
def test_a_missing_damaged_or_newer_file_is_one_line_and_exit_code_3(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "evaluation.json").write_bytes(content)
    with pytest.raises(EvaluationFileError, match=message) as caught:
        read_evaluation(tmp_path)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "evaluation.json") in str(caught.value)
