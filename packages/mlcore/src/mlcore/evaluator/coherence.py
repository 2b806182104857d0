"""The Claude judge: scores a model's samples for grammar, coherence and creativity.

It never raises and never guesses: what could not be judged is missing, counted by reason and said in the
status. The key is read from ANTHROPIC_API_KEY alone, and stands in no log, report, exception or cache entry.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlcore.evaluator.call_budget import CallBudget
from mlcore.evaluator.claude_call import CallError, ClaudeCaller
from mlcore.evaluator.coherence_config import CoherenceConfig
from mlcore.evaluator.coherence_report import OVERALL, CoherenceReport, SampleScores
from mlcore.evaluator.judge_prompt import CRITERIA, build_request, cache_key, clean_remark
from mlcore.evaluator.reply_cache import CachedReply, ReplyCache

if TYPE_CHECKING:
    from mlcore.evaluator.samples import Sample

KEY_VARIABLE = "ANTHROPIC_API_KEY"


class ClaudeJudge:
    """Scores samples with a Claude model.

    Args:
        config: the settings; or give them by name: `ClaudeJudge(model="claude-haiku-4-5", repeats=1)`.
        client: an `anthropic.Anthropic` to use instead of one made from ANTHROPIC_API_KEY.

    The budget of the config holds for the life of the judge.
    """

    def __init__(self, config: CoherenceConfig | None = None, *, client: Any = None, **settings: Any) -> None:
        if config is not None and settings:
            raise ValueError("give either a config or its settings by name, not both")
        self.config = config if config is not None else CoherenceConfig(**settings)
        self.budget = CallBudget(
            max_calls=self.config.max_calls,
            max_seconds=self.config.max_seconds,
            max_tokens=self.config.max_tokens,
        )
        self._client = client
        self._cache = ReplyCache(self.config.cache_dir)

    def score(self, samples: Sequence[Sample]) -> CoherenceReport:
        """Judge every sample `repeats` times, within the budget."""
        model = self.config.model
        try:
            client, reason = self._get_client()
            if client is None:
                return CoherenceReport.skipped(reason, num_asked=len(samples), model=model)
            return self._score_all(client, samples)
        except Exception as error:  # an optional judge must not end an evaluation; messages may quote the key
            return CoherenceReport.skipped(
                f"{type(error).__name__} in the judge", num_asked=len(samples), model=model
            )

    def _get_client(self) -> tuple[Any, str]:
        """A client, or None and the reason."""
        if self._client is not None:
            return self._client, ""
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            return None, "no key"
        if not (key.isascii() and key.isprintable()) or " " in key:
            # the library writes the value of a header that it cannot send into its debug log
            return None, f"{KEY_VARIABLE} holds characters that no key has"
        try:
            import anthropic
        except ImportError:
            return None, "the package anthropic is not installed"
        # a redirect would be a call that nobody counts, to a place that nobody chose
        http_client = anthropic.DefaultHttpxClient(follow_redirects=False)
        self._client = anthropic.Anthropic(
            api_key=key, timeout=self.config.timeout_seconds, max_retries=0, http_client=http_client
        )
        return self._client, ""

    def _score_all(self, client: Any, samples: Sequence[Sample]) -> CoherenceReport:
        retried: Counter[str] = Counter()
        caller = ClaudeCaller(client, self.config, self.budget, retried)
        budget, before = self.budget, (self.budget.calls, self.budget.input_tokens, self.budget.output_tokens)
        seconds, damaged = budget.seconds, self._cache.num_damaged
        with budget.running():
            run = _Scoring(self.config, self._cache, caller)
            per_sample = run.all_samples(samples)
        input_tokens, output_tokens = budget.input_tokens - before[1], budget.output_tokens - before[2]
        return CoherenceReport.of(
            per_sample,
            model=self.config.model,
            retried=dict(retried.most_common()),
            num_cached=sum(verdict["cached"] for sample in per_sample for verdict in sample.verdicts),
            num_cache_damaged=self._cache.num_damaged - damaged,
            calls=budget.calls - before[0],
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            seconds=budget.seconds - seconds,
            cost_dollars=self._cost(input_tokens, output_tokens),
        )

    def _cost(self, input_tokens: int, output_tokens: int) -> float | None:
        prices = self.config.dollars_per_million_input_tokens, self.config.dollars_per_million_output_tokens
        if prices[0] is None or prices[1] is None:
            return None
        return (input_tokens * prices[0] + output_tokens * prices[1]) / 1e6


class _Scoring:
    """One pass over the samples; after a fatal failure (no access, no budget) only the cache is asked."""

    def __init__(self, config: CoherenceConfig, cache: ReplyCache, caller: ClaudeCaller) -> None:
        self._config = config
        self._cache = cache
        self._caller = caller
        self._stopped: str | None = None

    def all_samples(self, samples: Sequence[Sample]) -> list[SampleScores]:
        """Every sample's first verdict before any second one, so that a short budget covers many samples."""
        verdicts: list[list[dict[str, Any]]] = [[] for _ in samples]
        failures: list[list[str]] = [[] for _ in samples]
        for repeat in range(self._config.repeats):
            for number, sample in enumerate(samples):
                try:
                    verdicts[number].append(self._verdict(sample, repeat))
                except CallError as error:
                    failures[number].append(error.reason)
                    if error.fatal:
                        self._stopped = error.reason
                except Exception:  # ours or the library's: this verdict is missing, the others are not
                    failures[number].append("internal")
        return [SampleScores(tuple(v), tuple(f)) for v, f in zip(verdicts, failures, strict=True)]

    def _verdict(self, sample: Sample, repeat: int) -> dict[str, Any]:
        if not sample.text.strip():
            raise CallError("empty_text")
        if len(sample.prompt) + len(sample.text) > self._config.max_text_characters:
            raise CallError("too_long")
        key = cache_key(
            self._config.model,
            sample.prompt,
            sample.text,
            repeat,
            effort=self._config.effort,
            max_tokens=self._config.max_reply_tokens,
        )
        reply = self._cache.get(key)
        cached = reply is not None
        if reply is None:
            if self._stopped is not None:
                raise CallError(self._stopped)
            verdict = self._caller.verdict(build_request(sample.prompt, sample.text))
            scores = {name: getattr(verdict, name) for name in CRITERIA}
            reply = CachedReply(**scores, remark=clean_remark(verdict.remark, secret=self._caller.secret))
            self._cache.put(key, reply)
        values = reply.model_dump()
        overall = sum(values[name] for name in CRITERIA) / len(CRITERIA)
        return {**values, OVERALL: overall, "cached": cached}
