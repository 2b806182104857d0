"""Damage is always detected, and nothing in a file is ever executed."""

import os
import pickle
import random
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from mlcore.checkpoint import CheckpointManager, load_checkpoint_file
from mlcore.checkpoint.atomic_file import CountingWriter, write_atomically
from mlcore.checkpoint.file_format import FileInfo, _ArchiveWriter
from mlcore.errors import CheckpointError


@pytest.fixture
def lone_file(tmp_path: Path) -> Path:
    """A checkpoint copied away from its folder, so that no manifest stands beside it."""
    manager = CheckpointManager(tmp_path / "checkpoints")
    manager.save({"w": torch.arange(8.0), "n": 3}, step=3, metric=1.5)
    (tmp_path / "elsewhere").mkdir()
    return Path(shutil.copyfile(tmp_path / "checkpoints" / "best.pt", tmp_path / "elsewhere" / "mine.pth"))


def assert_refused(path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint_file(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_lone_copy_loads_and_is_still_verified(lone_file: Path) -> None:
    assert load_checkpoint_file(lone_file)["w"].tolist() == list(range(8))
    assert load_checkpoint_file(str(lone_file))["n"] == 3


def test_every_single_flipped_byte_is_detected(lone_file: Path) -> None:
    content = lone_file.read_bytes()
    generator = random.Random(0)
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << generator.randrange(8)
        lone_file.write_bytes(flipped)
        assert_refused(lone_file)
    assert position > 1000


def test_every_truncation_is_detected(lone_file: Path) -> None:
    content = lone_file.read_bytes()
    for length in range(len(content)):
        lone_file.write_bytes(content[:length])
        assert_refused(lone_file)
    assert length > 1000


def test_many_flips_appended_bytes_and_overwritten_blocks_are_detected(lone_file: Path) -> None:
    content = lone_file.read_bytes()
    generator = random.Random(1)
    for _ in range(300):
        damaged = bytearray(content)
        kind = generator.randrange(3)
        if kind == 0:
            for position in generator.sample(range(len(content)), generator.randint(2, 8)):
                damaged[position] ^= 1 << generator.randrange(8)
        elif kind == 1:
            damaged += generator.randbytes(generator.randint(1, 50))
        else:
            start = generator.randrange(len(content) - 20)
            damaged[start : start + 20] = bytes(20)
        if damaged != content:
            lone_file.write_bytes(damaged)
            assert_refused(lone_file)


def test_random_damage_in_a_folder_always_falls_back_to_the_whole_one(tmp_path: Path) -> None:
    manager = CheckpointManager(tmp_path)
    manager.save({"n": 1}, step=1, metric=1.0)
    newest = manager.save({"n": 2}, step=2, metric=2.0)
    content = newest.read_bytes()
    generator = random.Random(2)
    for _ in range(150):
        damaged = bytearray(content)
        if generator.random() < 0.5:
            del damaged[generator.randrange(len(content)) :]
        else:
            damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        newest.write_bytes(damaged)
        with pytest.warns(UserWarning, match=r"step_00000002\.pt.*loaded .*step_00000001\.pt instead"):
            assert manager.load().state == {"n": 1}


def test_files_of_other_programs_load_and_their_damage_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "foreign.pth"
    torch.save({"w": torch.arange(100.0)}, path)
    assert load_checkpoint_file(path)["w"][99] == 99
    content = path.read_bytes()
    start = content.index(struct.pack("<ff", 1.0, 2.0))  # inside the tensor's own bytes
    damaged = bytearray(content)
    damaged[start + 8] ^= 1
    path.write_bytes(damaged)
    assert torch.load(path, weights_only=True)["w"][3] != 3.0  # torch itself does not notice
    assert_refused(path)
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert_refused(path)


def test_the_old_format_without_an_archive_loads(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    assert load_checkpoint_file(path)["w"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x03\x04", b"hello\n" * 50, bytes(5000), b"\x80\x02}q\x00."]
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    assert_refused(path)


def test_something_else_than_a_dictionary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tensor.pt"
    torch.save(torch.ones(3), path)
    with pytest.raises(CheckpointError, match="holds a Tensor, not a checkpoint"):
        load_checkpoint_file(path)


class Calls:
    """Pickles into a call of ``function(*arguments)``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def hostile_objects(marker: Path) -> dict[str, Any]:
    """Each makes the file ``marker`` if it is unpickled without care."""
    touch = f"open({str(marker)!r}, 'w').close()"
    return {
        "os.system": Calls(os.system, f"touch {marker}"),
        "exec": Calls(exec, touch),
        "eval": Calls(eval, f"open({str(marker)!r}, 'w')"),
        "subprocess": Calls(subprocess.call, ["touch", str(marker)]),
        "open": Calls(open, str(marker), "w"),
        "os.mkdir": Calls(os.mkdir, str(marker)),
        "getattr chain": Calls(getattr(Path, "touch"), marker),  # noqa: B009
        "nested in a list": [{"a": (Calls(exec, touch),)}],
        "as a key": {(1, Calls(os.mkdir, str(marker))): 1},
        "shutil": Calls(shutil.copyfile, "/etc/hostname", str(marker)),
        "torch.save": Calls(torch.save, {}, str(marker)),
        "pickle in pickle": Calls(pickle.loads, pickle.dumps(Calls(os.mkdir, str(marker)))),
    }


HOSTILE = sorted(hostile_objects(Path("marker")))


def write_with_our_proof(path: Path, value: object) -> None:
    """What an attacker would do who knows the format: a valid SHA-256 over hostile content."""

    def write(writer: CountingWriter) -> None:
        archive = _ArchiveWriter(writer)
        torch.save(value, archive)  # type: ignore[arg-type]
        archive.finish(FileInfo(1, 1.0, "val_loss", 1))

    write_atomically(path, write, point="test")


@pytest.mark.parametrize("kind", ["archive", "archive with our proof", "old format", "bare pickle"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_and_never_executed(tmp_path: Path, name: str, kind: str) -> None:
    marker = tmp_path / "executed"
    hostile = {"model": {}, "payload": hostile_objects(marker)[name]}
    path = tmp_path / "step_00000001.pt"
    if kind == "archive":
        torch.save(hostile, path)
    elif kind == "archive with our proof":
        write_with_our_proof(path, hostile)
    elif kind == "old format":
        torch.save(hostile, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(pickle.dumps(hostile))
    assert_refused(path)
    with pytest.raises(CheckpointError):
        CheckpointManager(tmp_path).load()
    assert not marker.exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_the_hostile_pickles_are_hostile(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "executed"
    text = pickle.dumps(hostile_objects(marker)[name])
    try:
        pickle.loads(text)
    except TypeError:
        assert name == "as a key"  # the call happens before the key turns out to be unhashable, if it does
    assert marker.exists()


def test_a_replaced_pickle_inside_a_good_archive_is_refused(tmp_path: Path, lone_file: Path) -> None:
    marker = tmp_path / "executed"
    replaced = tmp_path / "replaced.pt"
    with zipfile.ZipFile(lone_file) as good, zipfile.ZipFile(replaced, "w") as bad:
        for item in good.infolist():
            content = good.read(item)
            if item.filename.endswith("data.pkl"):
                content = pickle.dumps(Calls(os.mkdir, str(marker)), protocol=2)
            bad.writestr(item.filename, content)
    assert_refused(replaced)
    assert not marker.exists()


SCRIPT_WITH_A_FILE_SIZE_LIMIT = """
import resource, sys
from pathlib import Path
import torch
from mlcore.checkpoint import CheckpointManager, CheckpointWriteError

manager = CheckpointManager(Path(ARGUMENTS["folder"]))
first = manager.save({"w": torch.zeros(2000)}, step=1, metric=1.0)
size = first.stat().st_size
refused = 0
for number in range(60):
    limit = size * number // 60
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        manager.save({"w": torch.ones(2000)}, step=2, metric=0.5)
    except CheckpointWriteError as error:
        assert error.needed_bytes == size, (error.needed_bytes, size)
        refused += 1
    assert manager.steps() == [1] and manager.load().state["w"].sum() == 0
    assert sorted(p.name for p in first.parent.iterdir()) == [
        "best.pt", "last.pt", "manifest.json", "step_00000001.pt"]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
manager.save({"w": torch.ones(2000)}, step=2, metric=0.5)
assert manager.load("best").step == 2
sys.exit(refused)
"""


def test_a_file_that_may_not_grow_any_more_leaves_the_previous_checkpoint(
    tmp_path: Path, harness: ModuleType
) -> None:
    script = tmp_path / "limited.py"
    script.write_text(SCRIPT_WITH_A_FILE_SIZE_LIMIT)
    assert harness.run_child(script, {"folder": str(tmp_path / "checkpoints")}) == 60
