"""The stream of a run survives kills at any byte, full disks and strange numbers."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.logger import MetricsError, MetricsFile, read_metrics
from mlcore.logger.plain_values import json_bytes, restore_numbers, to_plain, write_json_atomic

RECORDS = [
    {"kind": "step", "step": 1, "loss": 5.25, "timing": {"time_s": 0.5}},
    {"kind": "step", "step": 2, "loss": math.nan, "name": "Bücher → 日本"},
    {"kind": "validation", "step": 2, "loss": math.inf, "low": -math.inf},
    {"kind": "epoch", "step": 2, "train": {"loss": 1.0}, "val": {"loss": math.nan}},
    {"kind": "step", "step": 3, "loss": 1},
]


def write(path: Path, records: list[dict]) -> None:
    stream = MetricsFile(path)
    for record in records:
        stream.append(record)
    stream.close()


def same(left: object, right: object) -> bool:
    """Equality under which NaN equals NaN."""
    return repr(left) == repr(right)


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "m.jsonl", RECORDS)
    assert same(read_metrics(tmp_path / "m.jsonl"), RECORDS)


def test_every_line_is_strict_json(tmp_path: Path) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    write(tmp_path / "m.jsonl", RECORDS)
    lines = (tmp_path / "m.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(RECORDS)
    for line in lines:
        json.loads(line, parse_constant=refuse)


def test_a_file_cut_at_every_byte_reads_as_its_complete_records_and_can_be_continued(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    write(whole, RECORDS)
    content = whole.read_bytes()
    extra = {"kind": "step", "step": 9, "loss": 0.5}
    for length in range(len(content) + 1):
        cut = tmp_path / "cut.jsonl"
        cut.write_bytes(content[:length])
        complete = content[:length].count(b"\n")
        assert same(read_metrics(cut), RECORDS[:complete]), length
        stream = MetricsFile(cut)
        stream.continue_existing()
        assert stream.num_records == complete
        stream.append(extra)
        stream.close()
        assert same(read_metrics(cut), [*RECORDS[:complete], extra]), length


@pytest.mark.parametrize("number", range(len(RECORDS) + 3))
def test_cutting_back_keeps_exactly_the_first_records(tmp_path: Path, number: int) -> None:
    write(tmp_path / "m.jsonl", RECORDS)
    stream = MetricsFile(tmp_path / "m.jsonl")
    stream.keep(number)
    assert stream.num_records == min(number, len(RECORDS))
    assert same(read_metrics(tmp_path / "m.jsonl"), RECORDS[:number])


def test_cutting_back_by_step_keeps_everything_up_to_that_step(tmp_path: Path) -> None:
    write(tmp_path / "m.jsonl", RECORDS)
    stream = MetricsFile(tmp_path / "m.jsonl")
    stream.keep(up_to_step=2)
    assert same(read_metrics(tmp_path / "m.jsonl"), RECORDS[:4])


def test_damage_before_the_last_line_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"kind":"step","step":1}\n\0\0\0\n{"kind":"step","step":3}\n')
    with pytest.raises(MetricsError, match=r"m\.jsonl:2: not a JSON record"):
        read_metrics(path)
    assert MetricsError.exit_code == 3


def test_text_that_looks_like_a_number_stays_text_in_messages(tmp_path: Path) -> None:
    records = [
        {"kind": "message", "step": 1, "text": "NaN"},
        {"kind": "message", "step": 1, "text": "\ud800 ok"},
    ]
    write(tmp_path / "m.jsonl", records)
    assert read_metrics(tmp_path / "m.jsonl") == records


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    ).filter(lambda value: "Infinity" not in str(value) and "NaN" not in str(value))
)
@settings(max_examples=200, deadline=None)
def test_any_plain_value_survives_writing_and_reading(value: object) -> None:
    assert same(restore_numbers(json.loads(json_bytes(value))), value)


def test_tensors_arrays_paths_and_models_become_plain_values() -> None:
    import numpy as np
    import torch
    from pydantic import BaseModel

    class Config(BaseModel):
        rate: float = 0.5
        folder: Path = Path("a/b")

    value = {
        "tensor": torch.tensor(1.5, dtype=torch.bfloat16),
        "array": np.arange(3),
        "scalar": np.float32(0.25),
        "path": Path("x") / "y",
        "config": Config(),
        "tuple": (1, math.nan),
    }
    assert to_plain(value) == {
        "tensor": 1.5,
        "array": [0, 1, 2],
        "scalar": 0.25,
        "path": str(Path("x") / "y"),
        "config": {"rate": 0.5, "folder": str(Path("a/b"))},
        "tuple": [1, "NaN"],
    }


FULL_DISK = """
import json, resource, signal, sys
from pathlib import Path
from mlcore.logger import MetricsFile, read_metrics
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, limit = Path(sys.argv[1]), int(sys.argv[2])
trouble = []
stream = MetricsFile(path, trouble.append)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
for step in range(40):
    stream.append({"kind": "step", "step": step, "loss": step / 7})
during = [record["step"] for record in read_metrics(path)] if path.exists() else []
waiting = stream.num_pending
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
stream.append({"kind": "step", "step": 40})
after = [record["step"] for record in read_metrics(path)]
print(json.dumps({"during": during, "waiting": waiting, "after": after, "warnings": len(trouble)}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("limit", [0, 1, 57, 200, 1001])
def test_a_full_disk_loses_no_record_once_there_is_room_again(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "m.jsonl"
    command = [sys.executable, "-c", FULL_DISK, str(path), str(limit)]
    outcome = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert outcome["during"] == list(range(len(outcome["during"])))
    assert len(outcome["during"]) + outcome["waiting"] == 40
    assert outcome["waiting"] > 0, "the limit was never reached"
    assert outcome["warnings"] == 1
    assert outcome["after"] == list(range(41))


ENDLESS = """
import sys
from pathlib import Path
from mlcore.logger import MetricsFile
stream = MetricsFile(Path(sys.argv[1]))
step = 0
while True:
    stream.append({"kind": "step", "step": step, "text": "x" * (step % 300)})
    step += 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_stream_can_be_read_after_kills_while_it_is_written(tmp_path: Path) -> None:
    for round_number in range(5):
        path = tmp_path / f"{round_number}.jsonl"
        process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)])
        while not path.exists() or path.stat().st_size < 20_000 * (round_number + 1):
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        steps = [record["step"] for record in read_metrics(path)]
        assert len(steps) > 50
        assert steps == list(range(len(steps)))


def test_an_atomic_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.json"
    write_json_atomic(path, {"status": "running"})

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_json_atomic(path, {"status": "completed"})
    assert json.loads(path.read_text()) == {"status": "running"}
    assert os.listdir(tmp_path) == ["metrics.json"]
