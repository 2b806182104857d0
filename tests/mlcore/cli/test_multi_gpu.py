"""``--use_multigpu`` starts the same command under torchrun."""

import sys

import pytest
from mlcore.cli import multi_gpu


def test_the_command_is_started_once_a_device_without_the_flag() -> None:
    command = multi_gpu.torchrun_command(
        "train.py", ["--use_multigpu", "--lr", "1", "a=b", "--use-multigpu"], 4
    )
    assert command[0] == sys.executable
    assert command[1:] == [
        *["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4", "train.py", "--lr", "1", "a=b"]
    ]


def test_a_worker_does_not_start_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setattr("os.execv", lambda *arguments: pytest.fail("started again"))
    multi_gpu.restart_on_all_devices(["--use_multigpu"])


@pytest.mark.parametrize("count", [0, 1, 2, 8])
def test_only_a_machine_with_several_devices_is_restarted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    torch = pytest.importorskip("torch")
    started: list[list[str]] = []
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr("os.execv", lambda program, command: started.append(command))
    multi_gpu.restart_on_all_devices(["--use_multigpu", "--lr", "1"])
    assert len(started) == (count > 1)
    assert (f"has {count} CUDA devices" in capsys.readouterr().err) == (count < 2)
