"""The tools: results are summarised rightly, and the cleaner removes only what it lists."""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from mlcore.launcher import load_script
from scipy import stats

REPOSITORY = Path(__file__).resolve().parents[2]


def tool(name: str) -> ModuleType:
    return load_script(REPOSITORY / "tools" / f"{name}.py")


def test_a_summary_has_scipys_interval() -> None:
    values = [1.0, 1.5, 1.2, 1.9]
    entry = tool("publish_result").summary(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert entry["interval95"] == pytest.approx([low, high])
    assert entry["sd"] == pytest.approx(np.std(values, ddof=1))


def test_one_run_has_no_spread() -> None:
    assert tool("publish_result").summary([2.0])["sd"] is None


def make_run(folder: Path, seed: int, loss: float, learning_rate: float = 1e-3) -> Path:
    folder.mkdir()
    (folder / "config.yaml").write_text(f"seed: {seed}\ntraining:\n  learning_rate: {learning_rate}\n")
    (folder / "environment.json").write_text(json.dumps({"cpu_model": "a processor"}))
    (folder / "metrics.json").write_text(json.dumps({"status": "completed", "wall_s": 1.0}))
    (folder / "evaluation.json").write_text(json.dumps({"metrics": {"loss": loss}, "samples": []}))
    (folder / "metrics.jsonl").write_text('{"kind": "step", "loss": 3.0}\n')
    return folder


def test_runs_of_several_seeds_become_one_result(tmp_path: Path) -> None:
    publish = tool("publish_result")
    runs = [make_run(tmp_path / str(seed), seed, loss) for seed, loss in ((1, 2.0), (2, 3.0))]
    result = publish.result_of("name", "Title", runs, "command")
    assert result["seeds"] == [1, 2]
    assert result["figures"]["evaluation.metrics.loss"]["mean"] == 2.5
    assert "2.500 ± 0.707" in tool("render_results").table_of(result)


def test_runs_that_differ_by_more_than_the_seed_are_refused(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "a", 1, 2.0), make_run(tmp_path / "b", 2, 2.0, learning_rate=2e-3)]
    with pytest.raises(SystemExit, match="more than their seed"):
        tool("publish_result").result_of("name", "Title", runs, "command")


def test_every_published_result_says_how_it_came_about() -> None:
    files = sorted((REPOSITORY / "assets" / "results").glob("*.json"))
    assert files
    for file in files:
        result = json.loads(file.read_text(encoding="utf-8"))
        for part in ("command", "config", "seeds", "n", "commit", "environment", "figures", "date"):
            assert part in result, f"{file.name} lacks {part}"


def test_cleanup_lists_first_and_deletes_only_what_it_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cleanup = tool("cleanup")
    kept = [tmp_path / "src" / "code.py", tmp_path / "projects" / "p" / "runs" / "done" / "metrics.json"]
    gone = [
        tmp_path / "src" / "__pycache__" / "code.pyc",
        tmp_path / "projects" / "p" / "runs" / "cut" / "a.pt",
    ]
    for path in (*kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    kept[1].write_text('{"status": "completed"}')
    words = ["--root", str(tmp_path), "--unfinished-runs"]
    cleanup.main(words)
    assert "would be removed" in capsys.readouterr().out
    assert all(path.exists() for path in (*kept, *gone))
    cleanup.main([*words, "--delete"])
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in gone)


def test_a_curve_is_the_epochs_of_a_run_and_is_drawn_as_it_is(tmp_path: Path) -> None:
    records = [
        {"kind": "step", "loss": 3.0},
        {"kind": "epoch", "val": {"loss": 2.0, "accuracy": 0.25}, "timing": {"time_s": 1.5}},
        {"kind": "epoch", "val": {"loss": 1.0, "accuracy": 0.5}, "timing": {"time_s": 3.0}},
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    curve = tool("publish_result").validation_curve(tmp_path)
    assert curve == {"seconds": [1.5, 3.0], "loss": [2.0, 1.0], "accuracy": [0.25, 0.5]}
    figure = tool("draw_figure").draw_curves(
        [{"name": "one", "title": "One", "validation_curves": [curve, curve]}]
    )
    first, second = figure.axes[0].get_lines()
    assert first.get_xydata().tolist() == second.get_xydata().tolist() == [[1.5, 0.25], [3.0, 0.5]]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["one"]
    without = {key: value for key, value in curve.items() if key != "accuracy"}
    with pytest.raises(SystemExit, match="no validation accuracy"):
        tool("draw_figure").draw_curves([{"name": "one", "title": "One", "validation_curves": [without]}])


def test_contrasts_are_drawn_where_they_are_and_only_beside_one_configuration() -> None:
    def contrast(model: str, baseline: str, difference: float) -> dict[str, object]:
        interval = [difference - 0.1, difference + 0.1]
        return {
            "model": model,
            "baseline": baseline,
            "test": {"difference": difference, "interval": interval},
        }

    contrasts = [contrast("two", "one", 0.5), contrast("three", "one", -0.25)]
    figure = tool("draw_figure").draw_contrasts([{"name": "ladder", "measured": {"contrasts": contrasts}}])
    drawn = [line.get_xdata() for line in figure.axes[0].get_lines()]
    assert [list(drawn[0]), list(drawn[1])] == [[0.4, 0.6], [0.5]]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["two", "three"]
    contrasts.append(contrast("three", "two", 0.1))
    with pytest.raises(SystemExit, match="with one configuration"):
        tool("draw_figure").draw_contrasts([{"name": "ladder", "measured": {"contrasts": contrasts}}])
