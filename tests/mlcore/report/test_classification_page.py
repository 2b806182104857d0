"""The page of a classifier: every number is that of evaluation.json, in order, and nothing stops it."""

import base64
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlcore.evaluator import classification_metrics, read_evaluation, write_evaluation
from mlcore.report import build_report
from mlcore.report.reliability_diagram import draw_reliability, filled_bins

PageOf = Callable[[Path | str], Any]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def section(run: Path, begin: str, end: str) -> str:
    """The part of the page between two texts."""
    html = build_report(run).read_text(encoding="utf-8")
    start = html.index(begin)
    return html[start : html.index(end, start)]


def change(run: Path, **changes: Any) -> None:
    path = run / "evaluation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_head_says_the_accuracy_its_interval_and_its_split(classifier_run: Path, page_of: PageOf) -> None:
    metrics = read_evaluation(classifier_run)["metrics"]
    low, high = metrics["accuracy_interval"]
    shown = f"Test accuracy {metrics['accuracy']:.2%} 95 % interval {low:.2%} – {high:.2%}"
    text = page_of(classifier_run).text
    assert shown in text
    assert f"Test loss {metrics['loss']:.4f}" in text
    assert "Validation accuracy 98." in text, "that of training, beside it"
    assert "Perplexity" not in text


def test_figures_of_the_validation_split_say_so_and_that_they_flatter(
    classifier_run: Path, page_of: PageOf
) -> None:
    assert "flatter" not in page_of(classifier_run).text
    change(classifier_run, split="validation")
    text = page_of(classifier_run).text
    assert "Validation accuracy 95." in text
    assert "Test accuracy" not in text
    assert "The checkpoint was chosen on this split" in text
    change(classifier_run, split="holdout")
    assert "Holdout accuracy" in page_of(classifier_run).text


def test_model_and_baselines_stand_in_the_order_of_their_accuracy(classifier_run: Path) -> None:
    evaluation = read_evaluation(classifier_run)
    entries = {"this model": evaluation["metrics"], **evaluation["baselines"]}
    table = section(classifier_run, "Scores of the model and its baselines", "</table>")
    names = [text_of(name) for name in re.findall(r'<th scope="row">(.*?)(?:<small>.*?)?</th>', table)]
    expected = sorted(entries, key=lambda name: -entries[name]["accuracy"])
    assert names == [name.replace("_", " ") for name in expected]
    for name in expected:
        low, high = entries[name]["accuracy_interval"]
        assert f"{entries[name]['accuracy']:.2%} {low:.2%} – {high:.2%}" in text_of(table)
        assert f"{entries[name]['calibration']['expected_error']:.2%}" in text_of(table)
    widths = [float(width) for width in re.findall(r'class="fill"[^>]*width="([\d.]+)"', table)]
    errors = [1 - entries[name]["accuracy"] for name in expected]
    assert widths == pytest.approx([120 * error / max(errors) for error in errors], abs=0.06)


def test_a_baseline_that_is_a_bare_number_is_its_accuracy(classifier_run: Path, page_of: PageOf) -> None:
    change(classifier_run, baselines={"majority": 0.1135, "unknown": None, "words": "x"})
    text = page_of(classifier_run).text
    assert "majority 11.35%" in text
    assert "unknown –" in text


def test_every_cell_of_the_confusion_matrix_is_the_count_and_rows_are_true_classes(
    classifier_run: Path,
) -> None:
    confusion = read_evaluation(classifier_run)["metrics"]["confusion"]
    assert confusion != np.transpose(confusion).tolist(), "or the test could not tell"
    table = section(classifier_run, '<table class="matrix', "</table>")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table)
    assert [name for name, _ in rows] == [str(digit) for digit in range(10)]
    found = [[int(text_of(cell).replace(",", "")) for cell in cells.split("</td>")[:-1]] for _, cells in rows]
    assert found == confusion
    assert '<td class="hit-' in rows[3][1].split("</td>")[3]
    assert "true" in text_of(table)
    assert "predicted" in text_of(table)
    note = f"2 taken for 7: {confusion[2][7]} of {sum(confusion[2]):,}"
    assert f'title="{note}' in table


def matrix_levels(confusion: list[list[int]], run: Path) -> list[list[str]]:
    """CSS classes of the cells of a run with this confusion matrix alone."""
    metrics = {"confusion": confusion, "per_class": []}
    write_evaluation(run, checkpoint="best.pt", split="test", metrics=metrics)
    table = section(run, '<table class="matrix', "</table>")
    rows = re.findall(r'<tr><th scope="row">.*?</th>(.*?)</tr>', table)
    return [re.findall(r'<td(?: class="([^"]*)")?', row) for row in rows]


def test_colours_go_by_the_share_of_the_row_in_half_decades(tmp_path: Path) -> None:
    confusion = [
        [9889, 10, 30, 71],
        [100, 8570, 301, 1029],
        [0, 1, 9499, 500],
        [0, 0, 0, 0],
    ]
    assert matrix_levels(confusion, tmp_path) == [
        ["hit-3", "miss-1", "miss-2", "miss-3"],
        ["miss-3", "hit-2", "miss-5", "miss-6"],
        ["", "miss-1", "hit-2", "miss-5"],
        ["", "", "", ""],
    ]


def test_very_many_classes_are_a_picture_and_the_worst_are_listed(tmp_path: Path, page_of: PageOf) -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(40, size=4000)
    logits = rng.normal(size=(4000, 40)) + 2 * np.eye(40)[targets]
    names = [f"class {number}" for number in range(40)]
    metrics = classification_metrics(logits, targets, names)
    write_evaluation(tmp_path, checkpoint="best.pt", split="test", metrics=metrics)
    page = page_of(tmp_path)
    assert not page.all("table", class_="matrix")
    html = section(tmp_path, '<svg class="confusion-map"', "</svg>")
    squares = {
        (int(y), int(x)): level
        for level, path in re.findall(r'<path class="([^"]+)" d="([^"]+)"', html)
        for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path)
    }
    filled = {tuple(cell) for cell in np.argwhere(np.array(metrics.confusion) > 0).tolist()}
    assert set(squares) == filled
    assert {cell for cell, level in squares.items() if level.startswith("hit")} == {
        cell for cell in filled if cell[0] == cell[1]
    }
    worst = sorted((scores for scores in metrics.per_class), key=lambda scores: scores.f1)[:24]
    table = section(tmp_path, 'class="scores classified classes"', "</table>")
    listed = [text_of(name) for name in re.findall(r'<tr><th scope="row">(class.*?)</th>', table)]
    assert listed == [scores.name for scores in worst]
    assert "All 40 classes" in page.text


def test_every_class_has_its_scores_and_a_bar_of_what_it_lacks(classifier_run: Path) -> None:
    per_class = read_evaluation(classifier_run)["metrics"]["per_class"]
    table = section(classifier_run, 'class="scores classified classes"', "</table>")
    for scores in per_class:
        row = text_of(re.search(rf'<tr><th scope="row">{scores["name"]}</th>.*?</tr>', table)[0])  # type: ignore[index]
        low, high = scores["recall_interval"]
        numbers = [f"{scores[key]:.2%}" for key in ("f1", "precision", "recall")]
        expected = f"{scores['name']} {' '.join(numbers)} {low:.1%} – {high:.1%} {scores['support']:,}"
        assert row == expected
    widths = [float(width) for width in re.findall(r'class="fill"[^>]*width="([\d.]+)"', table)]
    lacks = [1 - scores["f1"] for scores in per_class]
    assert widths == pytest.approx([120 * lack / max(lacks) for lack in lacks], abs=0.06)


def test_a_class_without_samples_has_dashes(tmp_path: Path) -> None:
    metrics = classification_metrics(np.array([[2.0, 0, 0]]), [0], ["here", "absent", "neither"])
    write_evaluation(tmp_path, checkpoint="best.pt", split="test", metrics=metrics)
    table = section(tmp_path, 'class="scores classified classes"', "</table>")
    assert "absent – – – 0" in text_of(table)


def test_the_most_confused_pairs_are_listed_with_their_share(classifier_run: Path) -> None:
    pairs = read_evaluation(classifier_run)["metrics"]["confused_pairs"]
    table = text_of(section(classifier_run, '<div class="pairs">', "</table>"))
    expected = [f"{p['true']} → {p['predicted']} {p['count']} {p['share']:.1%}" for p in pairs]
    assert table.endswith(" ".join(expected))


def test_the_reliability_diagram_draws_each_bin_where_its_numbers_say() -> None:
    bins = filled_bins(
        [
            {"low": 0.2, "high": 0.4, "count": 9, "confidence": 0.3, "accuracy": 0.5},
            {"low": 0.4, "high": 0.6, "count": 0, "confidence": None, "accuracy": None},
            {
                "low": 0.8,
                "high": 1.0,
                "count": 1234,
                "confidence": 0.9,
                "accuracy": 0.75,
                "accuracy_interval": [0.7, 0.8],
            },
        ]
    )
    assert [bin.count for bin in bins] == [9, 1234]
    svg = draw_reliability(bins, "text")
    dots = [tuple(map(float, at)) for at in re.findall(r'<circle[^>]*cx="([\d.]+)" cy="([\d.]+)"', svg)]
    # The dashed line runs from (0, 0) to (1, 1) of the data.
    line = re.search(r'class="reference" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', svg)
    assert line is not None
    x0, y0, x1, y1 = map(float, line.groups())
    expected = [(x0 + c * (x1 - x0), y0 + a * (y1 - y0)) for c, a in ((0.3, 0.5), (0.9, 0.75))]
    assert np.allclose(dots, expected, atol=0.06)
    (whisker,) = re.findall(r'class="whisker"[^>]*y1="([\d.]+)" y2="([\d.]+)"', svg)
    assert np.allclose([float(y) for y in whisker], [y0 + 0.7 * (y1 - y0), y0 + 0.8 * (y1 - y0)], atol=0.06)
    assert re.findall(r'count-label"[^>]*>([^<]+)<', svg) == ["9", "1.2k"]


def test_calibration_is_told_in_numbers_and_in_a_table(classifier_run: Path, page_of: PageOf) -> None:
    metrics = read_evaluation(classifier_run)["metrics"]
    calibration, scaled = metrics["calibration"], metrics["temperature_scaled"]
    text = page_of(classifier_run).text
    assert f"15 bins of equal width {calibration['expected_error']:.2%}" in text
    assert f"15 bins of equal mass {calibration['equal_mass']['expected_error']:.2%}" in text
    assert f"calibration error {scaled['expected_error']:.2%}, loss {scaled['loss']:.4f}" in text
    over = 100 * (calibration["mean_confidence"] - metrics["accuracy"])
    assert f"{over:.2f} points over the accuracy" in text
    last = calibration["bins"][-1]
    assert f"93.3% – 100.0% {last['count']:,} {last['confidence']:.2%} {last['accuracy']:.2%}" in text


def test_accuracy_has_its_curves_and_they_are_the_logged_numbers(
    classifier_run: Path, page_of: PageOf
) -> None:
    page = page_of(classifier_run)
    data = json.loads(next(text for text in page.scripts if text.startswith("{")))
    assert set(data) == {"loss", "accuracy", "error", "lr", "norm", "speed"}
    records = [json.loads(line) for line in (classifier_run / "metrics.jsonl").read_text().splitlines()]
    expected = [[r["step"], r["accuracy"]] for r in records if r["kind"] == "validation"]
    accuracy = {series["name"]: series["points"] for series in data["accuracy"]}
    error = {series["name"]: series["points"] for series in data["error"]}
    assert accuracy["validation"] == expected
    assert np.allclose(error["validation"], [[step, 1 - value] for step, value in expected])
    steps = [r for r in records if r["kind"] == "step"]
    assert [step for step, _ in accuracy["training"]] == [r["step"] for r in steps]
    assert len(page.all("svg", class_="chart")) == 2 * 2 + 3, "two pairs of scales side by side, three small"
    baseline = max(read_evaluation(classifier_run)["baselines"].items(), key=lambda item: item[1]["accuracy"])
    assert f"{baseline[0]}, test {baseline[1]['accuracy']:.2%}" in page.text
    assert "training accuracy validation loss validation accuracy" in page.text
    for step, value in expected:
        assert f"{value:.2%}" in page.text, step


def test_a_run_that_logged_accuracy_only_by_epochs_has_a_curve(tmp_path: Path, page_of: PageOf) -> None:
    records = [
        {"kind": "epoch", "step": 10 * n, "epoch": n, "train": {"accuracy": 0.5 + 0.1 * n}, "val": {}}
        for n in (1, 2, 3)
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    data = json.loads(next(text for text in page_of(tmp_path).scripts if text.startswith("{")))
    assert np.allclose(data["accuracy"][0]["points"], [[10, 0.6], [20, 0.7], [30, 0.8]])


def test_perfect_batches_do_not_stretch_the_axis_of_the_error_rate(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(400) < 0.3, 1 - rng.integers(1, 9, size=400) / 64, 1.0)
    lines = [
        json.dumps({"kind": "step", "step": n, "accuracy": value}) for n, value in enumerate(values, start=1)
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    html = section(tmp_path, 'data-chart="error"', "</svg>")
    ticks = re.findall(r'text-anchor="end" dy="4">([\d.e-]+)%<', html)
    assert ticks
    assert all(0.01 <= float(tick) <= 100 for tick in ticks), ticks


def test_without_an_evaluation_the_accuracy_is_that_of_the_validation(
    classifier_run: Path, page_of: PageOf
) -> None:
    (classifier_run / "evaluation.json").unlink()
    page = page_of(classifier_run)
    assert "Validation accuracy 98.05% where the loss is lowest" in page.text
    assert 'href="#evaluation"' not in build_report(classifier_run).read_text()


def test_figures_lie_in_the_page_in_their_order(classifier_run: Path, page_of: PageOf) -> None:
    images = page_of(classifier_run).all("img")
    names = ["failures", "filters", "nearest"]
    assert len(images) == len(names)
    for image, name in zip(images, names, strict=True):
        content = (classifier_run / "figures" / f"{name}.png").read_bytes()
        assert image["src"] == "data:image/png;base64," + base64.b64encode(content).decode()
        assert image["loading"] == "lazy"
        assert int(image["width"]) > 0 < int(image["height"])
    assert images[0]["alt"] == "The most confident mistakes"


def test_the_page_loads_nothing_and_pictures_only_out_of_itself(
    classifier_run: Path, page_of: PageOf
) -> None:
    html = build_report(classifier_run).read_text(encoding="utf-8")
    page = page_of(html)
    (policy,) = [m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["img-src"] == "data:"
    assert directives["default-src"] == "'none'"
    assert set(directives) == {
        "default-src",
        "style-src",
        "script-src",
        "img-src",
        "base-uri",
        "form-action",
    }
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "image", "use"}, tag
        assert not {"srcset", "xlink:href", "style", "action"} & set(attributes), (tag, attributes)
        assert str(attributes.get("src", "data:")).startswith("data:")
        assert str(attributes.get("href", "#")).startswith("#")
    assert set(re.findall(r"https?://[^\"'\s<)]+", html)) <= {"http://www.w3.org/2000/svg"}


def test_ids_are_unique_and_every_picture_has_a_text(classifier_run: Path, page_of: PageOf) -> None:
    page = page_of(classifier_run)
    idents = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(idents) == len(set(idents))
    for svg in page.all("svg", role="img"):
        named = set(str(svg.get("aria-labelledby", "")).split())
        assert svg.get("aria-label") or (named and named <= set(idents))
    for svg in page.all("svg"):
        assert svg.get("role") == "img" or svg.get("aria-hidden") == "true"


def test_hostile_names_of_classes_and_baselines_are_shown_as_text(
    classifier_run: Path, classifiers: ModuleType, hostile_text: str, page_of: PageOf
) -> None:
    logits, targets = classifiers.digit_logits(500, sharpness=1.0, seed=0)
    names = [f"{hostile_text}{number}" for number in range(10)]
    metrics = classification_metrics(logits, targets, names).as_dict()
    write_evaluation(
        classifier_run,
        checkpoint=hostile_text,
        split=hostile_text,
        metrics={**metrics, "interval_method": hostile_text},
        baselines={hostile_text: {"accuracy": 0.5, "method": hostile_text}},
    )
    html = build_report(classifier_run).read_text(encoding="utf-8")
    page = page_of(html)  # nesting would break if any of it were markup
    assert page.text.count("document.title='HACKED'</script>") > 30
    assert all("HACKED" not in script for script in page.scripts)
    assert len(page.all("img")) == 3, "only the figures"


STRANGE = [None, "text", -1, 1e400, 10**400, [], {}, [[]], [1, 2], [[1, 2], [3]], {"bins": [1]}, True, 0.5]


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be replaced, a few entries of every list."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths_of(item, (*path, key))
    elif isinstance(value, list):
        for index in {0, len(value) - 1} if value else ():
            found += paths_of(value[index], (*path, index))
    return found


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_evaluation_of_another_shape_does_not_stop_the_report(
    finished_classifier: Path, tmp_path: Path, page_of: PageOf, data: st.DataObject
) -> None:
    content = copy.deepcopy(json.loads((finished_classifier / "evaluation.json").read_text()))
    path = data.draw(st.sampled_from(paths_of(content)))
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = data.draw(st.sampled_from(STRANGE))
    (tmp_path / "evaluation.json").write_text(json.dumps(content))
    assert "Evaluation" in page_of(tmp_path).text


def test_a_confusion_matrix_that_is_none_is_left_out(classifier_run: Path, page_of: PageOf) -> None:
    metrics = read_evaluation(classifier_run)["metrics"]
    change(classifier_run, metrics={**metrics, "confusion": [[1, 2], [3]]})
    page = page_of(classifier_run)
    assert "Confusion matrix" not in page.text
    assert "Test accuracy 95." in page.text
    assert "The confusion matrix of evaluation.json is no square of counts and was left out." in page.text
