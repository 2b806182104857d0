"""Calls, seconds and tokens of the judge are bounded; scores are averaged as statistics does it."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from mlcore.evaluator.call_budget import CallBudget
from mlcore.evaluator.claude_call import retry_after
from mlcore.evaluator.coherence import ClaudeJudge
from mlcore.evaluator.coherence_config import CoherenceConfig
from mlcore.evaluator.coherence_report import CoherenceReport, SampleScores
from mlcore.evaluator.samples import Sample
from scipy import stats


def samples(count: int) -> list[Sample]:
    return [
        Sample(prompt="Once", text=f"There were {n} dogs.", num_tokens=4, ended=True, seed=n)
        for n in range(count)
    ]


def test_every_sample_is_asked_about_once_for_each_repeat(claude_server: Any, claude_client: Any) -> None:
    report = ClaudeJudge(client=claude_client, repeats=3).score(samples(4))
    assert len(claude_server.calls) == report.calls == report.num_verdicts == 12
    assert report.status == "4 of 4 judged"
    assert report.scores["grammar"].mean == 4
    assert report.scores["grammar"].sd == 0
    assert report.repeat_sd == 0
    assert (report.input_tokens, report.output_tokens) == (1200, 240)
    assert report.cost_dollars == pytest.approx((1200 * 0.10 + 240 * 0.50) / 1e6)
    assert claude_server.calls[0].body["model"] == "claude-haiku-5-5"
    assert claude_server.calls[0].body["max_tokens"] == 2048


def test_means_and_spreads_are_those_of_the_samples_means(claude_server: Any, claude_client: Any) -> None:
    rng = np.random.default_rng(0)
    grades = rng.integers(1, 6, size=(3, 8, 3))  # repeat, sample, criterion
    criteria = ("grammar", "coherence", "creativity")
    drawn = iter(grades.reshape(-1, 3).tolist())
    claude_server.behave = lambda call: call.reply(
        call.verdict(**dict(zip(criteria, next(drawn), strict=True)))
    )
    report = ClaudeJudge(client=claude_client, repeats=3).score(samples(8))
    for number, criterion in enumerate(criteria):
        means = grades[:, :, number].mean(0)
        summary = report.scores[criterion]
        assert summary.num_samples == 8
        assert summary.mean == pytest.approx(means.mean())
        assert summary.sd == pytest.approx(means.std(ddof=1))
        assert summary.standard_error == pytest.approx(stats.sem(means))
    overall = grades.mean(2)
    assert report.scores["overall"].mean == pytest.approx(overall.mean())
    assert report.repeat_sd == pytest.approx(np.sqrt(overall.var(axis=0, ddof=1).mean()))


def test_the_means_leave_missing_verdicts_out() -> None:
    def verdict(score: int) -> dict[str, Any]:
        return {"grammar": score, "coherence": score, "creativity": score, "overall": score, "cached": False}

    report = CoherenceReport.of(
        [
            SampleScores((verdict(5),), ("refusal",)),
            SampleScores((), ("timeout", "timeout")),
            SampleScores((verdict(2),)),
        ]
    )
    assert report.scores["overall"].mean == 3.5  # a zero for the missing one would have given 2.33
    assert report.status == "2 of 3 judged (3 verdicts missing: 2 timeout, 1 refusal)"
    assert (report.num_verdicts, report.num_verdicts_asked) == (2, 5)


def test_one_judged_sample_has_no_spread_and_none_has_no_mean() -> None:
    one = {"grammar": 1, "coherence": 1, "creativity": 1, "overall": 1, "cached": False}
    assert CoherenceReport.of([SampleScores((one,))]).scores["overall"].sd is None
    assert CoherenceReport.of([SampleScores((), ("refusal",))]).scores["overall"].mean is None
    assert CoherenceReport.of([]).status == "0 of 0 judged"


def test_max_calls_counts_retries_and_holds_for_the_life_of_the_judge(
    claude_server: Any, claude_client: Any
) -> None:
    claude_server.behave = lambda call: call.error(500) if len(claude_server.calls) == 1 else call.reply()
    judge = ClaudeJudge(client=claude_client, repeats=1, max_calls=4, retry_seconds=0.001)
    first = judge.score(samples(2))
    assert (first.num_judged, first.calls, first.retried) == (2, 3, {"server_error": 1})
    second = judge.score(samples(5))
    assert (second.num_judged, second.calls) == (1, 1)
    assert second.failures == {"call_budget": 4}
    assert judge.score(samples(3)).failures == {"call_budget": 3}
    assert len(claude_server.calls) == 4


def test_a_short_budget_gives_each_sample_one_verdict_before_any_gets_two(
    claude_server: Any, claude_client: Any
) -> None:
    report = ClaudeJudge(client=claude_client, repeats=3, max_calls=6).score(samples(5))
    assert report.num_judged == 5
    assert report.failures == {"call_budget": 9}
    assert claude_server.calls


def test_max_seconds_bounds_a_server_that_is_always_slow(claude_server: Any, claude_client: Any) -> None:
    claude_server.behave = lambda call: time.sleep(0.15) or call.reply()
    started = time.monotonic()
    report = ClaudeJudge(client=claude_client, repeats=1, max_seconds=0.6).score(samples(50))
    assert time.monotonic() - started < 4.0
    assert 1 <= report.num_judged <= 4
    assert report.failures["time_budget"] >= 45
    assert report.num_judged + sum(report.failures.values()) == 50


def test_max_seconds_bounds_one_call_that_never_ends(claude_server: Any, claude_client: Any) -> None:
    def drip(call: Any) -> None:
        call.send(b"", length=10_000)
        call.drip(b" " * 100)

    claude_server.behave = drip
    started = time.monotonic()
    report = ClaudeJudge(client=claude_client, repeats=1, timeout_seconds=60, max_seconds=0.4).score(
        samples(3)
    )
    assert time.monotonic() - started < 4.0
    assert report.failures == {"timeout": 1, "time_budget": 2}


def test_a_retry_that_would_outlast_the_budget_is_not_waited_for(
    claude_server: Any, claude_client: Any
) -> None:
    claude_server.behave = lambda call: call.error(429, retry_after="20")
    started = time.monotonic()
    report = ClaudeJudge(client=claude_client, repeats=1, max_seconds=10).score(samples(2))
    assert time.monotonic() - started < 10
    assert report.failures == {"rate_limited": 2}
    assert report.calls == 2


def test_tokens_are_counted_and_the_upper_bound_of_the_next_call_must_fit(
    claude_server: Any, claude_client: Any
) -> None:
    usage = {"input_tokens": 9000, "output_tokens": 1000}
    claude_server.behave = lambda call: call.reply(usage=usage)
    report = ClaudeJudge(client=claude_client, repeats=1, max_tokens=40_000).score(samples(9))
    assert 2 <= report.num_judged <= 4
    assert report.input_tokens + report.output_tokens <= 40_000
    assert report.failures == {"token_budget": 9 - report.num_judged}


def test_the_tokens_of_refused_cut_and_malformed_replies_are_counted(
    claude_server: Any, claude_client: Any
) -> None:
    answers = iter([{"stop_reason": "refusal"}, {"stop_reason": "max_tokens"}, {"text": "no"}])
    claude_server.behave = lambda call: call.reply(**next(answers))
    report = ClaudeJudge(client=claude_client, repeats=1).score(samples(3))
    assert report.num_judged == 0
    assert (report.input_tokens, report.output_tokens) == (300, 60)


def test_a_call_without_an_answer_is_charged_at_its_upper_bound(
    claude_server: Any, claude_client: Any
) -> None:
    claude_server.behave = lambda call: call.reset()
    judge = ClaudeJudge(
        client=claude_client, repeats=1, max_retries=0, max_tokens=20_000, max_reply_tokens=3000
    )
    report = judge.score(samples(20))
    assert 2 <= report.calls <= 6
    assert report.failures == {"connection": report.calls, "token_budget": 20 - report.calls}
    assert judge.budget.lost_tokens <= 20_000


def test_a_zero_budget_asks_nothing(claude_server: Any, claude_client: Any) -> None:
    for setting in ({"max_calls": 0}, {"max_seconds": 0}, {"max_tokens": 0}):
        report = ClaudeJudge(client=claude_client, repeats=2, **setting).score(samples(2))
        assert report.status.startswith("0 of 2 judged (4 verdicts missing")
    assert not claude_server.calls


def test_empty_and_overlong_texts_are_missing_and_never_sent(claude_server: Any, claude_client: Any) -> None:
    texts = ["", "  \n", "x" * 60, "A dog."]
    judge = ClaudeJudge(client=claude_client, repeats=1, max_text_characters=50)
    report = judge.score([Sample(prompt="", text=text, num_tokens=0, ended=True, seed=0) for text in texts])
    assert report.failures == {"empty_text": 2, "too_long": 1}
    assert [call.data["text"] for call in claude_server.calls] == ["A dog."]


def test_prices_unknown_means_cost_unknown(claude_server: Any, claude_client: Any) -> None:
    judge = ClaudeJudge(client=claude_client, repeats=1, dollars_per_million_input_tokens=None)
    assert judge.score(samples(1)).cost_dollars is None
    assert claude_server.calls


def test_the_budget_counts_seconds_only_while_it_runs() -> None:
    now = [100.0]
    budget = CallBudget(max_calls=9, max_seconds=10, max_tokens=9, clock=lambda: now[0])
    for _ in range(2):
        with budget.running():
            now[0] += 4
        now[0] += 1000
    assert budget.seconds == 8
    assert budget.refusal(1) is None
    with budget.running():
        now[0] += 2
        assert budget.refusal(1) == "time_budget"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_servers_wish_to_wait_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


def test_settings_come_from_a_config_or_by_name_but_not_both() -> None:
    assert ClaudeJudge(CoherenceConfig(model="claude-haiku-4-5")).config.model == "claude-haiku-4-5"
    assert ClaudeJudge(model="claude-haiku-4-5").config.model == "claude-haiku-4-5"
    with pytest.raises(ValueError, match="not both"):
        ClaudeJudge(CoherenceConfig(), model="claude-haiku-4-5")


def test_the_report_is_plain_json(claude_server: Any, claude_client: Any) -> None:
    report = ClaudeJudge(client=claude_client, repeats=2).score(samples(2))
    content = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert content["scores"]["coherence"]["mean"] == 3.0
    assert content["per_sample"][1]["verdicts"][0]["remark"] == "a plain story"
    assert claude_server.calls
