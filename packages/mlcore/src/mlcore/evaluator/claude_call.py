"""One question to Claude: a bounded call, bounded retries, and a word for whatever went wrong.

The library's own retries are switched off: they would hide failures, count as one call however many were
made, and sleep for as long as a server asks. Nothing that a server says is kept but its status, so that no
secret that a server or a proxy echoes can reach a report.
"""

from __future__ import annotations

import email.utils
import math
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mlcore.evaluator.call_budget import CallBudget
from mlcore.evaluator.coherence_config import CoherenceConfig
from mlcore.evaluator.judge_prompt import (
    JudgeRequest,
    UnusableReplyError,
    Verdict,
    read_verdict,
    verdict_schema,
)

_Result = TypeVar("_Result")
_GRACE_SECONDS = 0.25  # the library's own timeout should fire first
_MOST_CHARACTERS = 100_000
_SCHEMA_BYTES = 2_000  # upper bound of the tokens that the schema and the message frame add

# HTTP status -> (reason, worth a retry, makes every further call pointless)
_STATUSES: dict[int, tuple[str, bool, bool]] = {
    401: ("authentication", False, True),
    402: ("billing", False, True),
    403: ("authentication", False, True),
    404: ("not_found", False, True),
    408: ("timeout", True, False),
    409: ("server_error", True, False),
    413: ("too_long", False, False),
    429: ("rate_limited", True, False),
    529: ("overloaded", True, False),
}


class CallError(Exception):
    """A call without a verdict, counted under `reason`. The text never quotes the server."""

    def __init__(
        self,
        reason: str,
        *,
        retry: bool = False,
        fatal: bool = False,
        wait: float | None = None,
        free: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.fatal = fatal
        self.wait = wait
        self.free = free


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP: the text blocks, why the model stopped, and what it cost."""

    texts: tuple[str, ...]
    stop_reason: str | None
    input_tokens: int
    output_tokens: int


class ClaudeCaller:
    """Asks for verdicts within a budget.

    Args:
        client: an `anthropic.Anthropic` (or what looks like one).
        retried: counts the reasons of the attempts that were tried again.
    """

    def __init__(
        self, client: Any, config: CoherenceConfig, budget: CallBudget, retried: Counter[str]
    ) -> None:
        self._client = client.with_options(max_retries=0)
        self._config = config
        self._budget = budget
        self._retried = retried
        self._schema = _schema()
        self.secret = str(getattr(client, "api_key", None) or "")

    def verdict(self, request: JudgeRequest) -> Verdict:
        """The verdict on one request. CallError when there is none."""
        for attempt in range(self._config.max_retries + 1):
            try:
                return self._attempt(request)
            except CallError as error:
                pause = self._pause(attempt, error)
                if pause is None:
                    raise
                self._retried[error.reason] += 1
                time.sleep(pause)
        raise AssertionError("the last attempt either returns or raises")

    def _pause(self, attempt: int, error: CallError) -> float | None:
        """Seconds to wait before the next attempt; None to give up."""
        if not error.retry or attempt >= self._config.max_retries:
            return None
        pause = self._config.retry_seconds * 2**attempt if error.wait is None else error.wait
        too_long = pause > self._config.max_retry_seconds or pause >= self._budget.remaining_seconds
        return None if too_long else pause

    def _attempt(self, request: JudgeRequest) -> Verdict:
        most_tokens = request.num_bytes + _SCHEMA_BYTES + self._config.max_reply_tokens
        refusal = self._budget.refusal(most_tokens)
        if refusal is not None:
            raise CallError(refusal, fatal=refusal != "token_budget")
        seconds = min(self._config.timeout_seconds, self._budget.remaining_seconds)
        self._budget.calls += 1
        try:
            answer = within(seconds + _GRACE_SECONDS, lambda: self._send(request, seconds))
        except CallError as error:
            if not error.free:
                self._budget.lost_tokens += most_tokens
            raise
        self._budget.input_tokens += answer.input_tokens
        self._budget.output_tokens += answer.output_tokens
        return _verdict_of(answer, request.code)

    def _send(self, request: JudgeRequest, seconds: float) -> Answer:
        """One HTTP request. `messages.create` with the schema, and not `messages.parse`: parse raises on a
        refused or cut reply before anybody can see why the model stopped and what the reply cost."""
        output_config: dict[str, Any] = {"format": {"type": "json_schema", "schema": self._schema}}
        if self._config.effort is not None:
            output_config["effort"] = self._config.effort
        try:
            message = self._client.messages.create(
                model=self._config.model,
                max_tokens=self._config.max_reply_tokens,
                system=request.system,
                messages=[{"role": "user", "content": request.user}],
                output_config=output_config,
                timeout=seconds,
            )
        except Exception as error:
            raise _call_error(error) from None  # the cause holds the request, and with it the key
        return _answer_of(message)


def within(seconds: float, function: Callable[[], _Result]) -> _Result:
    """`function()`, or CallError("timeout") after `seconds`.

    A socket's timeout restarts with every byte, so a server that drips would hold us for ever; the call runs
    in a daemon thread that is left behind.
    """
    box: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            box.put((function(), None))
        except BaseException as error:  # handed to the caller, whatever it is
            box.put((None, error))

    threading.Thread(target=work, daemon=True, name="claude-judge").start()
    try:
        result, error = box.get(timeout=max(0.0, seconds))
    except queue.Empty:
        raise CallError("timeout", retry=True) from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def _schema() -> dict[str, Any]:
    import anthropic

    return anthropic.transform_schema(verdict_schema())


def _call_error(error: Exception) -> CallError:
    """A word for an exception of the library, taken from its class and status alone."""
    import anthropic

    if isinstance(error, anthropic.APITimeoutError):
        return CallError("timeout", retry=True)
    if isinstance(error, anthropic.APIConnectionError):
        return CallError("connection", retry=True)
    if isinstance(error, anthropic.APIStatusError):
        status = error.status_code
        default = ("server_error", True, False) if status >= 500 else ("bad_request", False, False)
        reason, retry, fatal = _STATUSES.get(status, default)
        return CallError(
            reason, retry=retry, fatal=fatal, wait=retry_after(error.response.headers), free=True
        )
    return CallError("malformed")  # the body of a 200 was not what the API sends


def retry_after(headers: Any) -> float | None:
    """Seconds that a server asks us to wait (retry-after-ms, or Retry-After as seconds or as a date)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name)) / unit
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        date = email.utils.parsedate_to_datetime(str(headers.get("retry-after")))
        return max(0.0, date.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _answer_of(message: Any) -> Answer:
    """What we use of a message, checked by hand: the library builds messages without validating them."""
    try:
        blocks = message.content
        texts = tuple(block.text for block in blocks if block.type == "text")
        counts = [message.usage.input_tokens, message.usage.output_tokens]
        well_formed = all(type(text) is str for text in texts) and all(
            type(n) is int and n >= 0 for n in counts
        )
        is_reply = message.role == "assistant" and message.type == "message"
    except (AttributeError, TypeError):
        raise CallError("malformed") from None
    if not (well_formed and is_reply):
        raise CallError("malformed")
    return Answer(texts, message.stop_reason, *counts)


def _verdict_of(answer: Answer, code: str) -> Verdict:
    if answer.stop_reason == "refusal":
        raise CallError("refusal")
    if answer.stop_reason in ("max_tokens", "model_context_window_exceeded"):
        raise CallError("truncated")
    if answer.stop_reason != "end_turn":
        raise CallError("malformed")
    if not answer.texts:
        raise CallError("empty_reply")
    if len(answer.texts) > 1 or len(answer.texts[0]) > _MOST_CHARACTERS:
        raise CallError(
            "malformed"
        )  # a structured reply is one block: which of several would be the verdict?
    try:
        return read_verdict(answer.texts[0], code)
    except UnusableReplyError as error:
        raise CallError(error.reason) from None
