"""Verdicts on disk, one small JSON file each, named after the hash of the question."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from mlcore.evaluator.judge_prompt import Score


class CachedReply(BaseModel):
    """What is kept of a verdict: never a text that was judged, a header or a key."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    grammar: Score
    coherence: Score
    creativity: Score
    remark: str


class ReplyCache:
    """Reads and writes `CachedReply`s; a missing folder, a damaged entry or a full disk is never an error.

    Attributes:
        num_damaged: entries that were there and could not be trusted.
        num_unwritten: replies that could not be stored.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.num_damaged = 0
        self.num_unwritten = 0

    def get(self, key: str) -> CachedReply | None:
        """The reply stored under `key`, if it is there and exactly as it was written."""
        if self.folder is None:
            return None
        try:
            content = (self.folder / f"{key}.json").read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            self.num_damaged += 1
            return None
        try:
            entry = json.loads(content)
            reply = CachedReply.model_validate(entry["reply"])
            genuine = entry["sha256"] == _checksum(key, reply.model_dump())
        except (ValueError, KeyError, TypeError, RecursionError, ValidationError):
            genuine = False
        if not genuine:
            self.num_damaged += 1
            return None
        return reply

    def put(self, key: str, reply: CachedReply) -> None:
        """Store `reply` under `key`, whole or not at all."""
        if self.folder is None:
            return
        values = reply.model_dump()
        entry = json.dumps({"reply": values, "sha256": _checksum(key, values)})
        temporary = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".tmp", delete=False) as file:
                temporary = file.name
                file.write(entry)
            os.replace(temporary, self.folder / f"{key}.json")
        except OSError:
            self.num_unwritten += 1
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)


def _checksum(key: str, values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([key, values], sort_keys=True).encode()).hexdigest()
