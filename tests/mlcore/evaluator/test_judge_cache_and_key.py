"""The reply cache, the key that appears nowhere, and the judge that is not there."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlcore.evaluator.coherence import ClaudeJudge
from mlcore.evaluator.evaluation_file import write_evaluation
from mlcore.evaluator.judge_prompt import cache_key
from mlcore.evaluator.samples import Sample


def samples(count: int = 2) -> list[Sample]:
    return [
        Sample(prompt="Once", text=f"There were {n} dogs.", num_tokens=4, ended=True, seed=n)
        for n in range(count)
    ]


def judge(client: Any, folder: Path, **settings: Any) -> ClaudeJudge:
    return ClaudeJudge(
        client=client, **{"repeats": 2, "cache_dir": folder, "retry_seconds": 0.001, **settings}
    )


def test_a_second_scoring_asks_nothing_and_reports_the_same(
    tmp_path: Path, claude_server: Any, claude_client: Any
) -> None:
    first = judge(claude_client, tmp_path / "cache").score(samples())
    second = judge(claude_client, tmp_path / "cache").score(samples())
    assert len(claude_server.calls) == 4
    assert (second.calls, second.num_cached, second.cost_dollars) == (0, 4, 0.0)
    assert second.scores == first.scores
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_the_cache_answers_when_the_budget_is_used_up(
    tmp_path: Path, claude_server: Any, claude_client: Any
) -> None:
    judge(claude_client, tmp_path, repeats=1).score(samples(3))
    report = judge(claude_client, tmp_path, repeats=1, max_calls=0).score(samples(5))
    assert report.num_judged == 3
    assert report.failures == {"call_budget": 2}
    assert len(claude_server.calls) == 3


@pytest.mark.parametrize(
    "changes", [{"model": "claude-haiku-4-5"}, {"effort": "low"}, {"max_reply_tokens": 999}], ids=str
)
def test_another_question_is_not_answered_from_the_cache(
    changes: dict[str, Any], tmp_path: Path, claude_server: Any, claude_client: Any
) -> None:
    judge(claude_client, tmp_path).score(samples())
    assert judge(claude_client, tmp_path, **changes).score(samples()).num_cached == 0
    assert len(claude_server.calls) == 8


def test_the_key_of_a_question_depends_on_each_of_its_parts() -> None:
    base = {"model": "m", "prompt": "p", "text": "t", "repeat": 0, "effort": None}
    variants = [{**base, name: "other"} for name in base] + [base, {**base, "prompt": "pt", "text": ""}]
    assert len({cache_key(**variant) for variant in variants}) == len(variants)
    assert cache_key(**base) == cache_key(**base)


def test_failures_are_never_cached(tmp_path: Path, claude_server: Any, claude_client: Any) -> None:
    claude_server.behave = lambda call: call.reply("no verdict")
    judge(claude_client, tmp_path).score(samples())
    assert not list(tmp_path.iterdir())
    claude_server.behave = lambda call: call.reply()
    assert judge(claude_client, tmp_path).score(samples()).status == "2 of 2 judged"


def damage_score(content: bytes) -> bytes:
    return content.replace(b'"grammar": 4', b'"grammar": 5')


def out_of_range(content: bytes) -> bytes:
    return content.replace(b'"grammar": 4', b'"grammar": 9')


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-10],
    "binary": lambda content: b"\xff\x00" + content,
    "a score raised": damage_score,
    "a score out of range": out_of_range,
    "null": lambda content: b"null",
    "a list": lambda content: b"[1]",
    "another shape": lambda content: b'{"reply": 5, "sha256": 1}',
    "without checksum": lambda content: json.dumps({"reply": json.loads(content)["reply"]}).encode(),
    "deeply nested": lambda content: b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_entry_is_ignored_counted_and_replaced(
    damage: Any, tmp_path: Path, claude_server: Any, claude_client: Any
) -> None:
    judge(claude_client, tmp_path).score(samples())
    for path in tmp_path.iterdir():
        path.write_bytes(damage(path.read_bytes()))
    report = judge(claude_client, tmp_path).score(samples())
    assert (report.num_cached, report.num_cache_damaged, report.calls) == (0, 4, 4)
    assert report.scores["grammar"].mean == 4
    assert judge(claude_client, tmp_path).score(samples()).num_cached == 4
    assert len(claude_server.calls) == 8


def test_an_entry_under_another_name_is_not_believed(
    tmp_path: Path, claude_server: Any, claude_client: Any
) -> None:
    answers = iter([5, 5, 1, 1])
    claude_server.behave = lambda call: call.reply(call.verdict(grammar=next(answers, 3)))
    judge(claude_client, tmp_path, repeats=1).score(samples(2))
    first, second = tmp_path.iterdir()
    first.write_bytes(second.read_bytes())
    report = judge(claude_client, tmp_path, repeats=1).score(samples(2))
    assert (report.num_cached, report.num_cache_damaged) == (1, 1)


def test_a_cache_that_cannot_be_written_or_read_costs_no_verdict(
    tmp_path: Path, claude_server: Any, claude_client: Any
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert judge(claude_client, blocked).score(samples()).num_judged == 2
    judge(claude_client, tmp_path / "cache").score(samples())
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
        path.mkdir()
    report = judge(claude_client, tmp_path / "cache").score(samples())
    assert (report.num_judged, report.num_cache_damaged) == (2, 4)
    assert not list((tmp_path / "cache").glob("*.tmp"))
    assert claude_server.calls


def test_without_a_key_the_judge_is_skipped_with_its_reason(claude_server: Any, monkeypatch: Any) -> None:
    for key in (None, "", "  "):
        if key is not None:
            monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        report = ClaudeJudge().score(samples())
        assert report.status == "skipped: no key"
        assert (report.num_asked, report.num_judged, report.scores) == (2, 0, {})
    assert not claude_server.calls


def test_a_key_under_any_other_name_is_not_used(monkeypatch: Any) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token")
    monkeypatch.setenv("CLAUDE_API_KEY", "key")
    assert ClaudeJudge().score(samples()).status == "skipped: no key"


def test_without_the_package_the_judge_is_skipped_with_its_reason(monkeypatch: Any, canary: str) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", canary)
    monkeypatch.setitem(sys.modules, "anthropic", None)
    assert ClaudeJudge().score(samples()).status == "skipped: the package anthropic is not installed"


def test_the_key_of_the_environment_reaches_the_server_and_nothing_else(
    tmp_path: Path, claude_server: Any, canary: str, monkeypatch: Any, caplog: Any, capfd: Any
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", canary)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", claude_server.url)
    caplog.set_level(logging.DEBUG)
    answers = iter(
        [
            lambda call: call.error(500),  # its message quotes the key
            lambda call: call.error(400, canary),
            lambda call: call.reply(call.verdict(remark=f"your key is {canary}, well done")),
            lambda call: call.reply(canary),
            lambda call: call.reset(),
            lambda call: call.send(canary, content_type="text/plain"),
        ]
    )
    claude_server.behave = lambda call: next(answers, type(call).reply)(call)
    spoken = judge(None, tmp_path / "cache", max_retries=1)
    report = spoken.score(samples(4))
    assert any(canary in value for value in claude_server.calls[0].headers.values())
    assert report.num_judged == 4
    assert sum(report.failures.values()) == 3
    assert any("[removed]" in verdict["remark"] for s in report.per_sample for verdict in s.verdicts)
    write_evaluation(tmp_path, checkpoint="best.pt", split="validation", metrics={}, coherence=report)
    said = [repr(report), report.status, repr(spoken), repr(spoken.config), caplog.text, *capfd.readouterr()]
    said += [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(said) > 8
    for text in said:
        assert canary not in text
        assert canary[7:30] not in text


@pytest.mark.parametrize("key", ["sk-ant\nCANARY", "sk-ant CANARY", "sk-ant-ключ-CANARY", "CANARY\x7f"])
def test_a_key_that_cannot_be_sent_never_reaches_the_library_whose_debug_log_would_quote_it(
    key: str, claude_server: Any, monkeypatch: Any, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", claude_server.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    report = ClaudeJudge().score(samples())
    assert report.status == "skipped: ANTHROPIC_API_KEY holds characters that no key has"
    assert "CANARY" not in repr(report) + caplog.text
    assert not claude_server.calls


def test_a_redirect_is_not_followed_with_the_key(claude_server: Any, canary: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", canary)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", claude_server.url)
    claude_server.behave = lambda call: call.send("", 307, location=f"{claude_server.url}/v1/messages")
    report = ClaudeJudge(repeats=1).score(samples(1))
    assert report.failures == {"bad_request": 1}
    assert len(claude_server.calls) == report.calls == 1


def test_a_client_that_is_broken_in_any_way_is_reported_and_not_raised() -> None:
    class Broken:
        def with_options(self, **_: Any) -> Any:
            raise RuntimeError("sk-ant-CANARY")

    report = ClaudeJudge(client=Broken()).score(samples())
    assert report.status == "skipped: RuntimeError in the judge"

    class Odd:
        api_key = None

        def with_options(self, **_: Any) -> Any:
            return self

    report = ClaudeJudge(client=Odd(), repeats=1).score(samples())
    assert report.status == "0 of 2 judged (2 verdicts missing: 2 malformed)"


def test_importing_and_configuring_the_judge_loads_neither_anthropic_nor_torch() -> None:
    program = """
import sys
from mlcore.evaluator import ClaudeJudge, CoherenceConfig, CoherenceReport, HeuristicJudge, read_evaluation
judge = ClaudeJudge(CoherenceConfig(repeats=1))
assert judge.score([]).status == "skipped: no key"
HeuristicJudge().judge_text("A dog ran. It sat.")
loaded = {"anthropic", "torch", "scipy", "httpx2"} & set(sys.modules)
assert not loaded, loaded
"""
    environment = {name: value for name, value in os.environ.items() if name != "ANTHROPIC_API_KEY"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)
