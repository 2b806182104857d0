"""What was found, kept in the user's cache: one small file for each question, machine and device."""

import functools
import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from mlcore.cores import num_usable_cores
from mlcore.environment import cpu_model
from mlcore.logger.plain_values import to_plain, write_json_atomic
from mlcore.machine_settings.answer import Findings

SCHEMA = 1


@dataclass(frozen=True)
class Question:
    """What the settings are for: other arguments, another machine or another torch are another question.

    Args:
        target: as `ProcessMeter` gets it.
        arguments: likewise; without the batch size.
        device: "cpu", "cuda", "cuda:1", "mps".
    """

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the answer depends on."""
        content = [self.target, to_plain(self.arguments), self.device, machine(self.device)]
        text = json.dumps(content, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def path(self) -> Path:
        """Where the answer is kept."""
        name = self.target.partition(":")[0].partition(".")[0]
        return cache_folder() / "machine_settings" / f"{name}_{self.digest[:16]}.json"


@dataclass(frozen=True)
class StoredSettings:
    """Settings that were measured on this machine.

    Attributes:
        threads: None where they were left alone.
        items_per_s: as measured then.
        measured: when, ISO 8601.
    """

    batch_size: int
    threads: int | None
    items_per_s: float
    measured: str


def keep_settings(findings: Findings, question: Question) -> Path:
    """Keep what was found as the answer to `question`; an older answer is replaced. Returns the file."""
    path, best = question.path, findings.best
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "schema": SCHEMA,
        "target": question.target,
        "device": question.device,
        "machine": machine(question.device),
        "digest": question.digest,
        "batch_size": best.candidate.batch_size,
        "threads": best.candidate.threads,
        "items_per_s": best.rate,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "answers": [answer.as_dict() for answer in findings.answers],
    }
    write_json_atomic(path, content)
    return path


def stored_settings(question: Question) -> StoredSettings | None:
    """What was measured for this question on this machine; None where nothing was, or the file is not readable."""
    try:
        content = json.loads(question.path.read_bytes())
        if content["schema"] != SCHEMA or content["digest"] != question.digest:
            return None
        threads = content["threads"]
        return StoredSettings(
            batch_size=int(content["batch_size"]),
            threads=None if threads is None else int(threads),
            items_per_s=float(content["items_per_s"]),
            measured=str(content["measured"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def machine(device: str) -> dict[str, Any]:
    """What decides how fast this machine is: no names of hosts or users."""
    return {
        "cpu": cpu_model(),
        "architecture": platform.machine(),
        "cores": num_usable_cores(),
        "accelerator": None if device == "cpu" else _accelerator(device),
        "torch": _torch_version(),
        "system": sys.platform,
    }


def cache_folder() -> Path:
    """MLCORE_CACHE, else `proving_ground` in the platform's folder for caches."""
    named = os.environ.get("MLCORE_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "proving_ground"


@functools.cache
def _accelerator(device: str) -> str:
    from mlcore.device import device_name

    return device_name(device)


def _torch_version() -> str | None:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None
