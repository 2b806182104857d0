"""Peak memory is this process's own peak."""

import subprocess
import sys

import psutil
import torch
from mlcore.logger import peak_device_bytes, peak_memory_bytes, peak_process_bytes

GROW = """
import sys
from mlcore.logger import peak_process_bytes
before = peak_process_bytes()
block = bytearray(b"x") * (64 * 2**20)
del block
print(before, peak_process_bytes(), "torch" in sys.modules)
"""


def test_the_peak_remembers_memory_that_was_given_back() -> None:
    output = subprocess.run([sys.executable, "-c", GROW], capture_output=True, text=True, check=True).stdout
    before, after, has_torch = output.split()
    assert int(after) - int(before) > 60 * 2**20
    assert int(after) < 2**30, "bytes, and not the peak of the parent process"
    assert has_torch == "False", "reading memory must not import torch"


def test_the_peak_is_at_least_what_the_process_holds_now() -> None:
    assert peak_process_bytes() >= 0.9 * psutil.Process().memory_info().rss


def test_the_cpu_has_no_device_memory_and_reports_the_process() -> None:
    assert peak_device_bytes("cpu") is None
    assert peak_device_bytes(torch.device("cpu")) is None
    assert peak_memory_bytes("cpu") >= peak_process_bytes() * 0.9
