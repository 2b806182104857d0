"""The page: complete, self-contained, honest about what is missing, and deaf to hostile text."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlcore.report import ReportError, build_report

PageOf = Callable[[Path | str], Any]


def test_the_page_holds_every_part_of_the_run(full_run: Path, page_of: PageOf) -> None:
    page = page_of(full_run)
    for wanted in (
        "quickstart_20261121-004500",
        "Completed",
        "Best validation loss",
        "Bits per byte 0.6921",
        "Parameters 3.28M",
        "Learning rate",
        "Gradient norm",
        "Tokens per second",
        "The red ticks mark 3 skipped steps",
        "Samples over time",
        "1.9012 1.8931 – 1.9093",
        "interpolated Kneser-Ney, order 5",
        "scored 1 to 5 by claude-haiku-5-5",
        "1 of 2 judged",
        "no verdict: 2 timeout",
        "1 message, 1 of them warning",
        "d_model : 256",
        "cpu cores 2",
    ):
        assert wanted in page.text, wanted
    assert len(page.all("svg", class_="chart")) == 4 + 3  # loss in two sizes and two scales, three small ones


def test_every_chart_has_a_title_and_a_text_and_the_numbers_stand_in_a_table(
    full_run: Path, page_of: PageOf
) -> None:
    page = page_of(full_run)
    idents = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(idents) == len(set(idents)), "an id occurs twice"
    for svg in page.all("svg", class_="chart"):
        assert svg["role"] == "img"
        assert set(str(svg["aria-labelledby"]).split()) <= set(idents)
    assert "Training loss goes from" in page.text
    assert "Validation loss ends at its lowest" in page.text
    rows = [json.loads(line) for line in (full_run / "metrics.jsonl").read_text().splitlines()]
    for record in rows:
        if record["kind"] == "validation":
            assert f"{record['loss']:.4f}" in page.text


def test_the_page_asks_the_network_for_nothing(full_run: Path, page_of: PageOf) -> None:
    html = build_report(full_run).read_text(encoding="utf-8")
    page = page_of(html)
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}, tag
        assert not {"src", "srcset", "xlink:href", "style", "action"} & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    css = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in css
    assert "@import" not in css
    assert set(re.findall(r"https?://[^\"'\s<)]+", html)) <= {"http://www.w3.org/2000/svg"}


def test_only_our_own_script_and_style_may_run(full_run: Path, page_of: PageOf) -> None:
    html = build_report(full_run).read_text(encoding="utf-8")
    page = page_of(html)
    (policy,) = [m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert [script.get("type") for script in page.all("script")] == ["application/json", None]
    for tag in ("style", "script"):
        begin = html.index(f"<{tag}>") + len(tag) + 2
        content = html[begin : html.index(f"</{tag}>", begin)]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_hostile_text_is_shown_as_text_everywhere(full_run: Path, hostile_text: str, page_of: PageOf) -> None:
    html = build_report(full_run).read_text(encoding="utf-8")
    page = page_of(html)  # nesting would break if any of it were markup
    assert "<img" not in html
    assert "onerror=&#34;" in html
    # Status, precision, in samples, evaluation, remark, config, environment and so on.
    assert page.text.count("document.title='HACKED'</script>") >= 12
    assert all("HACKED" not in script for script in page.scripts)


def test_hover_data_are_the_points_of_the_curves(full_run: Path, page_of: PageOf) -> None:
    page = page_of(full_run)
    data = json.loads(next(text for text in page.scripts if text.startswith("{")))
    assert set(data) == {"loss", "lr", "norm", "speed"}
    validation = next(series for series in data["loss"] if series["name"] == "validation")
    records = [json.loads(line) for line in (full_run / "metrics.jsonl").read_text().splitlines()]
    expected = [[r["step"], r["loss"]] for r in records if r["kind"] == "validation"]
    assert validation["points"] == expected


def test_the_two_judges_are_never_in_one_column(full_run: Path) -> None:
    html = build_report(full_run).read_text(encoding="utf-8")
    judge = html[html.index('class="verdict judge"') : html.index('class="verdict heuristic"')]
    heuristic = html[html.index('class="verdict heuristic"') : html.index("Samples of the evaluation")]
    assert "3.25" in judge
    assert "0.71" not in judge
    assert "0.71" in heuristic
    assert "3.25" not in heuristic


def test_a_killed_run_still_has_a_report(killed_run: Path, page_of: PageOf) -> None:
    with open(killed_run / "metrics.jsonl", "ab") as file:
        file.write(b'{"kind": "st')
    page = page_of(killed_run)
    assert "Running, or killed" in page.text
    assert "Evaluation" not in page.text
    assert len(page.all("svg", class_="chart")) == 7


PARTS = (
    "metrics.jsonl",
    "metrics.json",
    "config.yaml",
    "environment.json",
    "evaluation.json",
    "samples",
    "logs",
)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("damage", ["missing", "garbage", "empty", "wrong type"])
def test_a_missing_or_damaged_part_does_not_stop_the_report(
    full_run: Path, part: str, damage: str, page_of: PageOf
) -> None:
    path = full_run / part
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    assert files
    for file in files:
        if damage == "missing":
            file.unlink()
        else:
            file.write_bytes({"garbage": b"\xff\x00{[\n", "empty": b"", "wrong type": b"[1, null]\n"}[damage])
    page = page_of(full_run)
    assert "quickstart_20261121-004500" in page.text
    if part in ("metrics.json", "metrics.jsonl") and damage != "empty":
        assert f"{part} is" in page.text or f"{part} does" in page.text, "the notice"


STRANGE = [
    None,
    "text",
    -1,
    1e400,
    [],
    {},
    [[]],
    {"loss": "x"},
    {"scores": [1]},
    {"per_sample": {"a": 1}},
    True,
]


@pytest.mark.parametrize("key", ["metrics", "baselines", "samples", "coherence", "heuristic", "split"])
@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_an_evaluation_of_another_shape_does_not_stop_the_report(
    finished_run: Path, tmp_path: Path, key: str, value: object, page_of: PageOf
) -> None:
    content = json.loads((finished_run / "evaluation.json").read_text())
    (tmp_path / "evaluation.json").write_text(json.dumps({**content, key: value}))
    assert "Checkpoint checkpoints/best.pt" in page_of(tmp_path).text


def test_a_run_without_any_number_has_a_report(tmp_path: Path, page_of: PageOf) -> None:
    (tmp_path / "config.yaml").write_text("a: 1\n")
    page = page_of(tmp_path)
    assert "metrics.json is missing" in page.text
    assert page.all("svg") == []


def test_one_record_of_nothing_but_nan_has_a_report(tmp_path: Path, page_of: PageOf) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"kind":"step","step":1,"loss":"NaN","lr":0.0,"timing":null}\n')
    page = page_of(tmp_path)
    assert len(page.all("svg", class_="chart")) == 1


def test_a_secret_that_got_into_a_run_is_not_shown(full_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary-0123456789")
    (full_run / "config.yaml").write_text("key: sk-canary-0123456789\n")
    (full_run / "environment.json").write_text('{"command": "--key=sk-canary-0123456789"}')
    html = build_report(full_run).read_text(encoding="utf-8")
    assert "sk-canary" not in html
    assert html.count("[ANTHROPIC_API_KEY removed]") == 2


def test_building_twice_gives_the_same_page_and_nothing_else(full_run: Path) -> None:
    before = set(full_run.rglob("*"))
    first = build_report(full_run).read_bytes()
    assert build_report(full_run).read_bytes() == first
    assert set(full_run.rglob("*")) - before == {full_run / "report.html"}


def test_a_folder_that_is_no_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="not a run folder"):
        build_report(tmp_path)
    with pytest.raises(ReportError, match="no such run folder"):
        build_report(tmp_path / "nowhere")


def test_the_command_writes_the_page_and_its_errors_have_codes(killed_run: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mlcore.report", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run(str(killed_run))
    assert done.returncode == 0
    assert done.stdout.strip() == str(killed_run / "report.html")
    assert (killed_run / "report.html").exists()
    missing = run(str(tmp_path / "nowhere"))
    assert missing.returncode == 3
    assert missing.stderr.strip() == f"{tmp_path / 'nowhere'}: no such run folder"
    assert run().returncode == 2
