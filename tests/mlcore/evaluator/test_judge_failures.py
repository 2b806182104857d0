"""The Claude judge against a server that fails in more than a hundred ways: never an exception, never a wrong
score.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.utils import formatdate
from itertools import chain
from typing import Any

import pytest
from mlcore.evaluator.coherence import ClaudeJudge
from mlcore.evaluator.samples import Sample

TIMEOUT = 0.4  # of the scenarios that are about time; the others must pass on a busy machine
SCORES = {"grammar": 4, "coherence": 3, "creativity": 2}
Behaviour = Callable[[Any], None]


def sample(text: str) -> Sample:
    return Sample(prompt="Once", text=text, num_tokens=3, ended=True, seed=0)


class Scenario:
    """What the server does with the sample under test, call by call (the last one repeats), and what must
    come of it.

    `reason` None: the sample is judged. `calls`: how often the server is asked about it. `fatal`: nothing is
    asked after it.
    """

    def __init__(
        self, name: str, *actions: Behaviour, reason: str | None = None, calls: int = 1, fatal: bool = False
    ) -> None:
        self.name, self.actions, self.reason, self.calls, self.fatal = name, actions, reason, calls, fatal


def good(call: Any) -> None:
    call.reply()


def status(code: int, **headers: str) -> Behaviour:
    return lambda call: call.error(code, **headers)


def raw(body: str | bytes, code: int = 200, **headers: Any) -> Behaviour:
    return lambda call: call.send(body, code, **headers)


def text(content: str) -> Behaviour:
    return lambda call: call.reply(content)


def verdict(**changes: Any) -> Behaviour:
    return lambda call: call.reply(call.verdict(**changes))


def rewritten(change: Callable[[str], str]) -> Behaviour:
    """A good verdict's text, spoilt."""
    return lambda call: call.reply(change(call.verdict()))


def message(**changes: Any) -> Behaviour:
    return lambda call: call.reply(**changes)


def without(key: str) -> Behaviour:
    def act(call: Any) -> None:
        content = call.message()
        del content[key]
        call.send(json.dumps(content))

    return act


def score_text(value: str) -> Behaviour:
    """A verdict whose grammar is the given JSON."""
    return rewritten(lambda good_text: good_text.replace('"grammar": 4', f'"grammar": {value}'))


def slow_headers(call: Any) -> None:
    time.sleep(TIMEOUT * 3)
    call.reply()


def slow_body(call: Any) -> None:
    body = json.dumps(call.message()).encode()
    call.send(body[:20], length=len(body))
    time.sleep(TIMEOUT * 3)
    call.handler.wfile.write(body[20:])


def dripping_body(call: Any) -> None:
    body = json.dumps(call.message()).encode()
    call.send(b"", length=len(body))
    call.drip(body)


def dripping_headers(call: Any) -> None:
    call.drip(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-filler: 0123456789\r\n\r\n")


def hang_up(call: Any) -> None:
    call.handler.close_connection = True
    call.handler.connection.shutdown(2)


def cut_body(call: Any) -> None:
    body = json.dumps(call.message())
    call.send(body[: len(body) // 2], length=len(body))
    hang_up(call)


def not_http(call: Any) -> None:
    call.handler.wfile.write(b"what is this?\r\n\r\n")
    hang_up(call)


def reset(call: Any) -> None:
    call.reset()


def refusal_in_words(call: Any) -> None:
    call.reply("I cannot grade this.", stop_reason="refusal")


def only_thinking(call: Any) -> None:
    call.reply(content=[{"type": "thinking", "thinking": "hm", "signature": "s"}])


def thinking_first(call: Any) -> None:
    thought = {"type": "thinking", "thinking": '{"grammar": 1}', "signature": "s"}
    call.reply(content=[thought, {"type": "text", "text": call.verdict()}])


def two_verdicts(call: Any) -> None:
    blocks = [call.verdict(grammar=1), call.verdict(grammar=5)]
    call.reply(content=[{"type": "text", "text": block} for block in blocks])


def tool_instead(call: Any) -> None:
    call.reply(
        content=[{"type": "tool_use", "id": "t", "name": "n", "input": SCORES}], stop_reason="tool_use"
    )


LASTING = {
    408: "timeout", 409: "server_error", 429: "rate_limited", 500: "server_error", 501: "server_error",
    502: "server_error", 503: "server_error", 504: "server_error", 520: "server_error", 529: "overloaded",
    599: "server_error",
}  # fmt: skip
FINAL = {400: "bad_request", 405: "bad_request", 413: "too_long", 422: "bad_request", 431: "bad_request"}
FATAL = {401: "authentication", 402: "billing", 403: "authentication", 404: "not_found"}

STATUS_SCENARIOS = [
    *(Scenario(f"{c} for ever", status(c), reason=r, calls=3) for c, r in LASTING.items()),
    *(Scenario(f"{c} once", status(c), good, calls=2) for c in LASTING),
    *(Scenario(f"{c} as a web page", raw("<h1>no</h1>", c, content_type="text/html"), reason=r, calls=3)
      for c, r in LASTING.items()),
    *(Scenario(f"{c} with an empty body", raw("", c), good, calls=2) for c in LASTING),
    *(Scenario(f"{c}", status(c), reason=r) for c, r in FINAL.items()),
    *(Scenario(f"{c}", status(c), reason=r, fatal=True) for c, r in FATAL.items()),
    Scenario("429, 500, then good", status(429), status(500), good, calls=3),
    Scenario("529 then a bad verdict", status(529), text("no"), reason="malformed", calls=2),
]  # fmt: skip

RETRY_AFTER_SCENARIOS = [
    *(Scenario(f"429 with Retry-After {value!r}", status(429, retry_after=value), good, calls=2)
      for value in ("0", "0.01", "soon", "-5", "nan", "inf", "", formatdate(0, usegmt=True))),
    Scenario("429 with retry-after-ms", status(429, retry_after_ms="5"), good, calls=2),
    *(Scenario(f"{code} with Retry-After {value}", status(code, retry_after=value), good, reason=reason)
      for code, reason in ((429, "rate_limited"), (529, "overloaded"), (503, "server_error"))
      for value in ("3600", "1e12", "Fri, 31 Dec 2100 23:59:59 GMT")),
]  # fmt: skip

TIMED_SCENARIOS = [
    Scenario("headers too late", slow_headers, reason="timeout", calls=3),
    Scenario("headers too late once", slow_headers, good, calls=2),
    Scenario("body too late", slow_body, good, calls=2),
    Scenario("body drips", dripping_body, good, calls=2),
    Scenario("headers drip", dripping_headers, good, calls=2),
]

NETWORK_SCENARIOS = [
    Scenario("reset for ever", reset, reason="connection", calls=3),
    Scenario("reset once", reset, good, calls=2),
    Scenario("hang up for ever", hang_up, reason="connection", calls=3),
    Scenario("hang up once", hang_up, good, calls=2),
    Scenario("body cut for ever", cut_body, reason="connection", calls=3),
    Scenario("body cut once", cut_body, good, calls=2),
    Scenario("not HTTP", not_http, good, calls=2),
]

BODY_SCENARIOS = [
    *(Scenario(f"body {body[:24]!r}", raw(body), reason="malformed")
      for body in ("", "null", "[]", "{}", "7", '"text"', "{", '{"content": [', b"\xff\xfe\x00", "<html>",
                   "[" * 5000, '{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}')),
    Scenario("a web page", raw("<h1>Welcome</h1>", content_type="text/html"), reason="malformed"),
    Scenario("good JSON under a wrong type", lambda call: call.send(
        json.dumps(call.message()), content_type="text/plain")),
    *(Scenario(f"without {key}", without(key), reason="malformed")
      for key in ("content", "usage", "role", "type", "stop_reason")),
    *(Scenario(f"content {value!r}", message(content=value), reason="malformed")
      for value in (None, "text", 7, [None], ["text"], [{"type": "text"}], [{"type": "text", "text": None}],
                    [{"type": "text", "text": 5}], {"type": "text"})),
    *(Scenario(f"usage {value!r}", message(usage=value), reason="malformed")
      for value in (None, [], {}, {"input_tokens": -1, "output_tokens": 1},
                    {"input_tokens": "2", "output_tokens": 1}, {"input_tokens": 1.5, "output_tokens": True})),
    Scenario("role user", message(role="user"), reason="malformed"),
    Scenario("a block without a type", message(content=[{}]), reason="empty_reply"),
    Scenario("no blocks", message(content=[]), reason="empty_reply"),
    Scenario("thinking without text", only_thinking, reason="empty_reply"),
    Scenario("thinking before the verdict", thinking_first),
    Scenario("two verdicts", two_verdicts, reason="malformed"),
    Scenario("a tool call", tool_instead, reason="malformed"),
    Scenario("refusal in words", refusal_in_words, reason="refusal"),
    Scenario("refusal without content", message(content=[], stop_reason="refusal"), reason="refusal"),
    Scenario("refusal beside a full verdict", message(stop_reason="refusal"), reason="refusal"),
    Scenario("a verdict at the token limit", message(stop_reason="max_tokens"), reason="truncated"),
    Scenario("cut at the token limit", lambda call: call.reply('{"rec', stop_reason="max_tokens"),
             reason="truncated"),
    Scenario("context window full", message(stop_reason="model_context_window_exceeded"), reason="truncated"),
    *(Scenario(f"stop reason {value!r}", message(stop_reason=value), reason="malformed")
      for value in (None, "pause_turn", "stop_sequence", "new", 7)),
]  # fmt: skip

VERDICT_SCENARIOS = [
    Scenario("empty text", text(""), reason="empty_reply"),
    Scenario("blank text", text(" \n "), reason="empty_reply"),
    *(Scenario(f"text {value[:30]!r}", text(value), reason="malformed")
      for value in ("Grammar: 5", "null", "5", "[]", '"5"', "{", "{}", "[" * 3000, "{'grammar': 5}",
                    '{"grammar": 5, "coherence": 5, "creativity": 5}', "5/5", "x" * 200_000)),
    Scenario("fenced", rewritten(lambda t: f"```json\n{t}\n```"), reason="malformed"),
    Scenario("words before", rewritten(lambda t: "Sure! " + t), reason="malformed"),
    Scenario("words after", rewritten(lambda t: t + " Done."), reason="malformed"),
    Scenario("twice", rewritten(lambda t: t + t), reason="malformed"),
    Scenario("in a list", rewritten(lambda t: f"[{t}]"), reason="malformed"),
    Scenario("as a string", rewritten(json.dumps), reason="malformed"),
    Scenario("cut", rewritten(lambda t: t[:-3]), reason="malformed"),
    Scenario("byte order mark", rewritten(lambda t: "\ufeff" + t), reason="malformed"),
    Scenario("a comment", rewritten(lambda t: t[:-1] + "/* */}"), reason="malformed"),
    Scenario("a key twice", rewritten(lambda t: t[:-1] + ', "grammar": 5}'), reason="malformed"),
    Scenario("an extra key", verdict(confidence=1), reason="malformed"),
    Scenario("a key in capitals", rewritten(lambda t: t.replace("grammar", "GRAMMAR")), reason="malformed"),
    *(Scenario(f"score {value}", score_text(value), reason="out_of_range")
      for value in ("0", "6", "-1", "10", "100", "-4", "999999999999999999999999")),
    *(Scenario(f"score {value[:12]}", score_text(value), reason="malformed")
      for value in ("NaN", "Infinity", "-Infinity", "", "4/5", "04", "9" * 5000)),
    *(Scenario(f"score {value}", score_text(value), reason="wrong_type")
      for value in ("4.0", "4.5", "4e0", '"4"', "true", "false", "null", "[4]", '{"is": 4}', '""', "1e99")),
    Scenario("another receipt", verdict(receipt="0" * 24), reason="wrong_receipt"),
    Scenario("no receipt", verdict(receipt=""), reason="wrong_receipt"),
    Scenario("receipt in capitals", lambda call: call.reply(
        call.verdict(receipt=call.code.upper() + "X")), reason="wrong_receipt"),
    *(Scenario(f"receipt {value!r}", verdict(receipt=value), reason="wrong_type")
      for value in (None, 7, [], True)),
    *(Scenario(f"remark {value!r}", verdict(remark=value), reason="wrong_type") for value in (None, 7, [1])),
    Scenario("a long remark", verdict(remark="so " * 9000)),
    Scenario("a remark with control characters", verdict(remark="\x1b[31mred\x00\n\u202e")),
    Scenario("spaces around", rewritten(lambda t: f"\n {t} \n")),
]  # fmt: skip

SCENARIOS = list(
    chain(
        STATUS_SCENARIOS,
        RETRY_AFTER_SCENARIOS,
        TIMED_SCENARIOS,
        NETWORK_SCENARIOS,
        BODY_SCENARIOS,
        VERDICT_SCENARIOS,
    )
)


def test_there_are_at_least_a_hundred_scenarios_and_no_two_have_one_name() -> None:
    assert len(SCENARIOS) >= 100
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_failure_is_counted_missing_and_the_other_samples_keep_their_exact_scores(
    scenario: Scenario, claude_server: Any, claude_client: Any, canary: str
) -> None:
    tried: list[Any] = []

    def behave(call: Any) -> None:
        if call.data["text"] != "under test":
            return good(call)
        tried.append(call)
        return scenario.actions[min(len(tried), len(scenario.actions)) - 1](call)

    claude_server.behave = behave
    judge = ClaudeJudge(
        client=claude_client,
        repeats=1,
        timeout_seconds=TIMEOUT if scenario in TIMED_SCENARIOS else 8,
        max_retries=2,
        retry_seconds=0.001,
        max_retry_seconds=0.05,
        max_seconds=15,
    )
    started = time.monotonic()
    report = judge.score([sample("before"), sample("under test"), sample("after")])
    assert time.monotonic() - started < 17
    assert len(tried) == scenario.calls
    assert report.calls == len(claude_server.calls) == scenario.calls + 2 - scenario.fatal
    judged = {0: True, 1: scenario.reason is None, 2: not scenario.fatal}
    for number, scores in enumerate(report.per_sample):
        assert len(scores.verdicts) == judged[number]
        assert len(scores.failures) == 1 - judged[number]
        for verdict_found in scores.verdicts:
            assert {name: verdict_found[name] for name in SCORES} == SCORES
            assert verdict_found["remark"].isprintable()
            assert len(verdict_found["remark"]) <= 400
    num_judged = sum(judged.values())
    assert report.status.startswith(f"{num_judged} of 3 judged")
    assert report.failures == ({scenario.reason: 3 - num_judged} if scenario.reason else {})
    assert sum(report.retried.values()) == scenario.calls - 1
    assert report.scores["overall"].mean == pytest.approx(3.0)
    assert report.scores["overall"].num_samples == num_judged
    assert canary not in json.dumps(report.as_dict())
