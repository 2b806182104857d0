"""evaluation.json of a run: whole or not at all, always valid JSON (NaN and infinity become null)."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcore.errors import UserError
from mlcore.logger.plain_values import write_json_atomic

FILE_NAME = "evaluation.json"
SCHEMA = 1


class EvaluationFileError(UserError):
    """A run has no readable evaluation."""

    exit_code = 3


def write_evaluation(
    run: Path,
    *,
    checkpoint: str | Path,
    split: str,
    metrics: Any,
    baselines: Mapping[str, Any] | None = None,
    samples: Sequence[Any] = (),
    coherence: Any = None,
    heuristic: Any = None,
    **more: Any,
) -> Path:
    """Write `run`/evaluation.json and return its path.

    Metrics, baselines, samples and reports may be plain values or anything with `as_dict()`. `more` adds keys
    of the project's own; a key that is already used is an error.
    """
    content = {
        "schema": SCHEMA,
        "checkpoint": checkpoint,
        "split": split,
        "metrics": metrics,
        "baselines": baselines or {},
        "samples": samples,
        "coherence": coherence,
        "heuristic": heuristic,
    }
    if clash := sorted(content.keys() & more.keys()):
        raise ValueError(f"evaluation.json already has the key {clash[0]!r}")
    path = Path(run) / FILE_NAME
    write_json_atomic(path, _plain({**content, **more}))
    return path


def read_evaluation(run: Path) -> dict[str, Any]:
    """The content of `run`/evaluation.json; EvaluationFileError if it is missing, damaged or newer."""
    path = Path(run) / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaluationFileError(f"{path}: no such file; has this run been evaluated?") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationFileError(
            f"{path}: damaged ({type(error).__name__}); evaluate the run again"
        ) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else None
        raise EvaluationFileError(f"{path}: schema {found!r}, this version reads schema {SCHEMA}")
    return content


def _plain(value: Any) -> Any:
    """JSON's own types; numbers that JSON cannot hold become None."""
    if hasattr(value, "as_dict"):
        value = value.as_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy and torch, arrays and scalars
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, os.PathLike):
        return str(value)
    raise TypeError(f"evaluation.json cannot hold a {type(value).__name__}")
