"""The compiler of this machine, and the command that makes a shared library of C++ sources."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

# -O3 for the vectoriser, contraction to fused multiply-adds; no -ffast-math: NaN must stay NaN.
# errno and the signs of traps are let go of, without which no loop over expf or sqrtf is vectorised.
FLAGS = (
    "-std=c++17",
    "-O3",
    "-fPIC",
    "-shared",
    "-fopenmp",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wall",
)


@dataclass(frozen=True)
class Compiler:
    """A program that understands g++'s options.

    Attributes:
        path: the program.
        version: its first line about itself; part of a library's name in the cache.
    """

    path: str
    version: str

    def command(self, source: Path, library: Path) -> list[str]:
        """The words that compile one source, which may include others beside it, into a library."""
        return [self.path, *FLAGS, f"-m{_tune_option()}=native", str(source), "-o", str(library), *openmp()]


@cache
def find_compiler() -> Compiler | None:
    """`CXX`, else g++, else clang++ with OpenMP; None where none answers. Windows is not supported."""
    if platform.system() == "Windows":
        return None
    for name in (os.environ.get("CXX"), "g++", "clang++"):
        path = shutil.which(name) if name else None
        if path is None:
            continue
        try:
            result = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            continue
        if result.returncode == 0 and result.stdout:
            return Compiler(path, result.stdout.splitlines()[0])
    return None


def openmp() -> Sequence[str]:
    """Torch's own copy of libgomp, so that both share one pool of threads; two pools would wait for each other's
    spinning threads. Empty where torch brings none.
    """
    folder = Path(torch.__file__).parent / "lib"
    found = sorted(folder.glob("libgomp*.so*"))
    return [str(found[0])] if found else []


@cache
def instruction_set() -> str:
    """What tells one processor's instructions from another's: a library compiled for one may crash the other."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(next((line for line in lines if line.startswith(key)), "") for key in wanted)


def _tune_option() -> str:
    return "arch" if platform.machine() in ("x86_64", "AMD64") else "cpu"
