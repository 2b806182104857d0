"""Settings of the Claude judge. Imports neither torch nor anthropic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from mlcore.config.section import Section


class CoherenceConfig(Section):
    """How samples are judged, and what that may cost at most.

    The budget (`max_calls`, `max_seconds`, `max_tokens`) holds for the whole life of one judge. A failed call
    counts.
    """

    model: str = Field("claude-haiku-5-5", min_length=1)
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    """How much the model thinks; None leaves it to the model (older ones refuse the setting)."""
    repeats: int = Field(3, ge=1, le=100)
    """Verdicts per sample: a judge's noise cannot be seeded away, only averaged and reported."""

    max_calls: int = Field(200, ge=0)
    max_seconds: float = Field(300.0, ge=0)
    max_tokens: int = Field(400_000, ge=0)
    """Tokens in and out, thinking included. A call is made only if its upper bound still fits."""
    max_reply_tokens: int = Field(2048, ge=64)
    """Longest reply of one call, thinking included; a reply cut there counts as truncated."""
    max_text_characters: int = Field(20_000, ge=1)
    """A longer text is not judged (and never cut, which would judge another text)."""

    timeout_seconds: float = Field(60.0, gt=0)
    max_retries: int = Field(2, ge=0, le=20)
    """After rate limits, overload, server errors, timeouts, lost connections; never after a bad reply."""
    retry_seconds: float = Field(0.5, ge=0)
    """Pause before the first retry, doubled each time; the server's Retry-After goes before it."""
    max_retry_seconds: float = Field(30.0, ge=0)
    """If the server asks for a longer pause than this, the call is given up."""

    dollars_per_million_input_tokens: float | None = Field(0.10, ge=0)
    """Of claude-haiku-5-5 (prompts up to 100,000 tokens), November 2026. None: no estimate of the cost."""
    dollars_per_million_output_tokens: float | None = Field(0.50, ge=0)
    cache_dir: Path | None = None
    """Replies are kept here, so that the same question is never paid twice. None: no cache."""
