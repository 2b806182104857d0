"""Runs as CSV and JSON, for other programs."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlcore.errors import UserError
from mlcore.experiments.run_record import RunRecord
from mlcore.logger.plain_values import to_plain

_OWN = ("run", "name", "status", "seed", "started", "commit", "is_dirty", "split")


def json_text(records: Sequence[RunRecord]) -> str:
    """A JSON list of all that is known of each run; NaN and infinity are the texts "NaN" and "Infinity"."""
    content = [to_plain(record.as_dict()) for record in records]
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(records: Sequence[RunRecord]) -> str:
    """One row a run: its own fields, config.KEY, metrics.KEY, and its problems. Missing values are empty."""
    config = dict.fromkeys(key for record in records for key in record.config)
    metrics = dict.fromkeys(key for record in records for key in record.metrics)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = [*(f"config.{key}" for key in config), *(f"metrics.{key}" for key in metrics)]
    writer.writerow([*_OWN, *names, "problems"])
    for record in records:
        own = record.as_dict()
        writer.writerow(
            [
                *(_cell(own[key]) for key in _OWN),
                *(_cell(record.config.get(key)) for key in config),
                *(_cell(record.metrics.get(key)) for key in metrics),
                "; ".join(record.problems),
            ]
        )
    return file.getvalue()


def write_text_atomic(path: Path, text: str) -> Path:
    """Write a file whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(to_plain(value), ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)
