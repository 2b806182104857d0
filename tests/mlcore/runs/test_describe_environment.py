"""The description of the machine never fails and never tells a secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlcore import environment
from mlcore.environment import describe_environment, remove_secrets, safe_command_line

CANARY = "canary-7f3d9a-do-not-write"


def test_no_environment_variable_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "WANDB_API_KEY", "HF_TOKEN", "SOMETHING", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, CANARY)
    described = describe_environment()
    assert CANARY not in json.dumps(described)
    assert described["omp_num_threads"] is None


def test_the_description_names_what_a_reader_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    described = json.loads(json.dumps(describe_environment()))
    assert described["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert described["num_cores"] == os.cpu_count()
    assert described["omp_num_threads"] == 1
    assert described["libraries"]["pydantic"][0].isdigit()
    assert described["memory_bytes"] > 2**28


def test_the_commit_and_its_changes_are_named(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "first")
    assert describe_environment(tmp_path)["git"] == {"commit": git("rev-parse", "HEAD"), "is_dirty": False}
    (tmp_path / "a").write_text("2")
    assert describe_environment(tmp_path)["git"]["is_dirty"] is True


@pytest.mark.parametrize(
    "trouble", ["no git", "no repository", "git hangs", "folder gone", "no cpuinfo", "no psutil"]
)
def test_trouble_leaves_gaps_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    folder = tmp_path
    if trouble == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif trouble == "git hangs":
        monkeypatch.setattr(environment, "_GIT_TIMEOUT_S", 0.05)
        script = tmp_path / "git"
        script.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
    elif trouble == "folder gone":
        folder = tmp_path / "gone"
    elif trouble == "no cpuinfo":
        monkeypatch.setattr(environment, "cpu_model", lambda: 1 / 0)
    else:
        monkeypatch.setitem(sys.modules, "psutil", None)
    described = describe_environment(folder)
    json.dumps(described)
    gap = {"no cpuinfo": "cpu", "no psutil": "memory_bytes"}.get(trouble, "git")
    assert described[gap] is None
    assert described["python"]


@pytest.mark.parametrize(
    ("words", "safe"),
    [
        (["train", "--api-key", CANARY, "--lr", "1"], ["train", "--api-key", "[removed]", "--lr", "1"]),
        (["--wandb_token=" + CANARY], ["--wandb_token=[removed]"]),
        (["judge.api_key=" + CANARY], ["judge.api_key=[removed]"]),
        (["--password", CANARY, "x"], ["--password", "[removed]", "x"]),
        (["--secret", "--debug"], ["--secret", "--debug"]),
        (["--note", "sk-ant-api03-abcdefghijkl"], ["--note", "[removed]"]),
        (["name=hf_abcdefghijklmnop"], ["name=[removed]"]),
        (["ghp_abcdefghijklmnop0123"], ["[removed]"]),
        (["0123456789abcdef0123456789abcdef01234567"], ["[removed]"]),
        (["https://user:pass@host/x"], ["https://[removed]@host/x"]),
        (["--tokenizer", "gpt2", "data.tokenizer=gpt2"], ["--tokenizer", "gpt2", "data.tokenizer=gpt2"]),
        (
            ["--max-tokens", "5", "num_tokens=3", "author=me"],
            ["--max-tokens", "5", "num_tokens=3", "author=me"],
        ),
        (
            ["--config", "configs/tinystories_custom_tokenizer.yaml"],
            ["--config", "configs/tinystories_custom_tokenizer.yaml"],
        ),
    ],
)
def test_secrets_leave_the_command_line_and_nothing_else_does(words: list[str], safe: list[str]) -> None:
    assert safe_command_line(words) == safe


def test_the_home_folder_is_not_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert remove_secrets(f"{tmp_path}/project/train.py") == "~/project/train.py"


def test_torch_is_not_imported_to_describe_it() -> None:
    code = (
        "import sys, mlcore.environment as e; d = e.describe_environment();"
        "print('torch' in sys.modules, d['torch'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "None"]
