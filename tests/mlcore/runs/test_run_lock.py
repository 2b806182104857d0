"""One trainer in a run folder."""

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from mlcore.errors import RunLockedError
from mlcore.runs import RunFolder

HOLDER = """
import sys, time
from pathlib import Path
from mlcore.runs import RunFolder
with RunFolder(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_a_second_trainer_is_refused_with_the_owners_number_and_a_dead_owners_lock_is_taken_over(
    run: RunFolder,
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with (
            pytest.raises(RunLockedError, match=f"process {holder.pid} is training here already"),
            run.lock(),
        ):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, but still a zombie
    with run.lock():
        assert json.loads((run.path / "run.lock").read_text())["pid"] == os.getpid()
    holder.wait()
    assert not (run.path / "run.lock").exists()


def test_the_lock_can_be_taken_again_after_it_was_given_back(run: RunFolder) -> None:
    for _ in range(3):
        with run.lock():
            assert (run.path / "run.lock").exists()
    assert not (run.path / "run.lock").exists()


def test_the_lock_is_given_back_after_an_error(run: RunFolder) -> None:
    with pytest.raises(KeyError), run.lock():
        raise KeyError
    with run.lock():
        pass


def test_the_same_process_cannot_take_it_twice(run: RunFolder) -> None:
    with run.lock(), pytest.raises(RunLockedError, match=f"process {os.getpid()} "), run.lock():
        pass


def test_a_new_process_with_the_number_of_a_dead_owner_is_not_the_owner(run: RunFolder) -> None:
    started = round(psutil.Process().create_time(), 1)
    owner = {"pid": os.getpid(), "host": platform.node(), "started": started - 100}
    (run.path / "run.lock").write_text(json.dumps(owner))
    with run.lock():
        pass


def test_an_owner_on_another_machine_counts_as_alive(run: RunFolder) -> None:
    (run.path / "run.lock").write_text(json.dumps({"pid": 1, "host": "elsewhere", "started": 1.0}))
    with pytest.raises(RunLockedError, match=r"process 1 .* on elsewhere; if it is dead, delete"), run.lock():
        pass


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pid": 1}', '{"pid": "1", "host": "", "started": 0}', "\x00\xff"]
)
def test_a_lock_that_was_cut_off_is_taken_over(run: RunFolder, text: str) -> None:
    (run.path / "run.lock").write_bytes(text.encode("latin-1"))
    with run.lock():
        pass


def test_a_forked_child_does_not_give_its_parents_lock_back(run: RunFolder) -> None:
    with run.lock():
        code = f"""
import os
from pathlib import Path
from mlcore.runs import RunFolder
folder = RunFolder(Path({str(run.path)!r} + "/inner"))
folder.path.mkdir()
with folder.lock():
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        assert (folder.path / "run.lock").exists()
assert not child or not (folder.path / "run.lock").exists()
"""
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
