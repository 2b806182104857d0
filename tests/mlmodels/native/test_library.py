"""Compiled libraries: made once, made again when anything changes, and an answer in words when they cannot be."""

import ctypes
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from mlmodels.native import NativeUnavailableError, load_library
from mlmodels.native import compiler as compiler_module
from mlmodels.native.compiler import find_compiler
from mlmodels.native.library import cache_folder

SOURCE = 'extern "C" { int answer() { return NUMBER; } }\n'


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLMODELS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def written(folder: Path, number: int, name: str = "answer.cpp") -> Path:
    source = folder / name
    source.write_text(SOURCE.replace("NUMBER", str(number)))
    return source


def libraries(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.glob("*.so"))


def test_a_source_is_compiled_and_called(tmp_path: Path, own_cache: Path) -> None:
    library = load_library(written(tmp_path, 42))
    library.answer.restype = ctypes.c_int
    assert library.answer() == 42
    assert len(libraries(own_cache)) == 1


def test_a_second_process_takes_the_library_that_the_first_has_made(tmp_path: Path, own_cache: Path) -> None:
    source = written(tmp_path, 1)
    load_library(source)
    before = {path.name: path.stat().st_mtime_ns for path in own_cache.glob("*.so")}
    code = f"""
        from pathlib import Path
        from mlmodels.native import load_library
        print(load_library(Path({str(source)!r})).answer())
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env={**os.environ}
    )
    assert result.stdout.strip() == "1", result.stderr
    assert {path.name: path.stat().st_mtime_ns for path in own_cache.glob("*.so")} == before


def test_a_changed_source_and_a_changed_header_are_compiled_anew(tmp_path: Path, own_cache: Path) -> None:
    load_library(written(tmp_path, 1, "first.cpp"))
    (tmp_path / "number.h").write_text("#define NUMBER 5\n")
    for header in ("#define NUMBER 5\n", "#define NUMBER 6\n"):
        (tmp_path / "number.h").write_text(header)
        for folder in ("a", "b"):  # two places, one text: one library
            place = tmp_path / folder
            place.mkdir(exist_ok=True)
            (place / "uses.cpp").write_text('#include "../number.h"\n' + SOURCE)
            load_library.cache_clear()
            assert load_library(place / "uses.cpp").answer() == int(header.split()[-1])
    assert len(libraries(own_cache)) == 3


def test_a_source_that_does_not_compile_is_told_in_one_line(tmp_path: Path, own_cache: Path) -> None:
    source = tmp_path / "broken.cpp"
    source.write_text("int main( {\n")
    with pytest.raises(NativeUnavailableError, match=r"the compiler failed: .*error") as caught:
        load_library(source)
    assert "\n" not in str(caught.value)
    assert libraries(own_cache) == []


def test_without_a_compiler_it_is_said_so(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    compiler_module.find_compiler.cache_clear()
    try:
        with pytest.raises(NativeUnavailableError, match=r"no C\+\+ compiler"):
            load_library(written(tmp_path, 7, "lonely.cpp"))
    finally:
        compiler_module.find_compiler.cache_clear()


def test_it_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLMODELS_NATIVE", "off")
    with pytest.raises(NativeUnavailableError, match="MLMODELS_NATIVE"):
        load_library(written(tmp_path, 8, "refused.cpp"))


def test_a_folder_that_cannot_be_made_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLMODELS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(NativeUnavailableError, match="cannot be used"):
        load_library(written(tmp_path, 9, "homeless.cpp"))


def test_the_cache_lies_in_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLMODELS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().is_relative_to(tmp_path)


def test_this_machine_has_a_compiler_that_the_other_tests_need() -> None:
    assert find_compiler() is not None
