"""What a run ran on, so that its numbers can be judged later. Nothing secret, and never a reason to fail."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from mlcore.cores import num_usable_cores, threads_setting

LIBRARIES = (
    "torch",
    "torchvision",
    "numpy",
    "pydantic",
    "tokenizers",
    "datasets",
    "tensorboard",
    "anthropic",
    "scipy",
    "scikit-learn",
    "safetensors",
    "transformers",
)
REMOVED = "[removed]"
_GIT_TIMEOUT_S = 5.0
_SECRET_NAME = re.compile(r"key|token|secret|passw|credential|auth(?!or)|bearer", re.IGNORECASE)
_NO_SECRET_NAME = re.compile(
    r"tokeni[sz]|tokens\b|max_token|token_(file|count|length)|num_token|monkey|keyword", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"\b(sk|pk|rk)-[\w-]{8,}"  # Anthropic, OpenAI, Stripe
    r"|\b(hf|gh[opsur]|glpat|npm|pypi|xox[abprs])[_-][\w-]{8,}"  # Hugging Face, GitHub, GitLab…
    r"|\bgithub_pat_\w+|\bAKIA[0-9A-Z]{12,}|\bAIza[\w-]{20,}"  # GitHub, Amazon, Google
    r"|\beyJ[\w-]{10,}\.[\w-]+(\.[\w-]+)?"  # JSON web tokens
    r"|\b[0-9a-fA-F]{32,}\b"  # hexadecimal keys (Weights & Biases: 40 digits)
)
_URL_PASSWORD = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def describe_environment(folder: Path | None = None) -> dict[str, Any]:
    """Everything about the machine and the program that a reader of the results may want, ready for JSON.

    Args:
        folder: a folder of the repository whose commit is wanted; by default the one of the running script.

    Returns:
        A dictionary; what cannot be found out is None. Devices are listed only when torch has been imported
        already, as importing it for this would take seconds.
    """
    script = Path(sys.argv[0]).parent if sys.argv and sys.argv[0] else Path()
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": _attempt(platform.platform),
        "machine": platform.machine(),
        "cpu": _attempt(cpu_model),
        "num_cores": os.cpu_count(),
        "num_usable_cores": num_usable_cores(),
        "memory_bytes": _attempt(_memory_bytes),
        "libraries": {name: _attempt(metadata.version, name) for name in LIBRARIES},
        "omp_num_threads": threads_setting(),
        "torch": _attempt(_torch_state),
        "git": _attempt(_git_state, folder or script),
        "command": _attempt(safe_command_line, sys.argv),
    }


def safe_command_line(argv: Sequence[str]) -> list[str]:
    """The words of a command line without secrets and without the name of the home folder.

    Removed are the values of ``--…key…``, ``--…token…`` and the like, whatever looks like a key of a
    well-known service, long hexadecimal words, and passwords in URLs.
    """
    words: list[str] = []
    is_secret = False
    for word in argv:
        if is_secret and not word.startswith("--"):
            words.append(REMOVED)
            is_secret = False
            continue
        name, equals, _ = word.partition("=")
        names_secret = _SECRET_NAME.search(name) is not None and not _NO_SECRET_NAME.search(name)
        is_secret = names_secret and not equals and name.startswith("-")
        words.append(f"{name}={REMOVED}" if names_secret and equals else remove_secrets(word))
    return words


def remove_secrets(text: str) -> str:
    """A text without what looks like a key or a password, and with ``~`` for the home folder."""
    text = _URL_PASSWORD.sub(REMOVED, _SECRET_VALUE.sub(REMOVED, text))
    home = os.path.expanduser("~")
    return text.replace(home, "~") if len(home) > 1 else text


def _attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception:
        return None  # a description of the machine is never worth a failed run


def cpu_model() -> str | None:
    """The processor's own name, where it can be found."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        with cpuinfo.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.lower().startswith(("model name", "hardware")):
                    return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        return _run(["sysctl", "-n", "machdep.cpu.brand_string"], Path())
    return platform.processor() or None


def _memory_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def _torch_state() -> dict[str, Any] | None:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    has_cuda = torch.cuda.is_available()
    return {
        "num_threads": torch.get_num_threads(),
        "cuda": torch.version.cuda,
        "cuda_devices": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        if has_cuda
        else [],
        "mps": bool(torch.backends.mps.is_available()),
        "deterministic": bool(torch.are_deterministic_algorithms_enabled()),
        "matmul_precision": torch.get_float32_matmul_precision(),
    }


def _git_state(folder: Path) -> dict[str, Any] | None:
    commit = _run(["git", "rev-parse", "HEAD"], folder)
    changes = _run(["git", "status", "--porcelain", "--untracked-files=no"], folder)
    return (
        None if commit is None else {"commit": commit, "is_dirty": None if changes is None else bool(changes)}
    )


def _run(command: list[str], folder: Path) -> str | None:
    """The output of a program, or None where it is missing, fails or hangs."""
    environment = {
        **os.environ,
        "GIT_OPTIONAL_LOCKS": "0",
    }  # so that looking does not write into the repository
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout.strip()
