"""``hatch run projects/NAME COMMAND`` is ``python -m mlcore.launcher projects/NAME COMMAND``."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore import launcher

Python = Callable[..., subprocess.CompletedProcess[str]]
ECHO = """'Say what it was called with.'
import sys
from pathlib import Path
import local_module
print(sys.argv[1:], __name__, Path.cwd())
sys.exit(local_module.CODE)
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "projects" / "small"
    folder.mkdir(parents=True)
    (folder / "echo.py").write_text(ECHO)
    (folder / "evaluate.py").write_text('"""Evaluate.\n\nMore.\n"""\nprint("evaluated")\n')
    (folder / "config_summary.py").write_text("print('no docstring')\n")
    (folder / "_private.py").write_text("")
    (folder / "conftest.py").write_text("")
    (folder / "local_module").mkdir()
    (folder / "local_module" / "__init__.py").write_text("CODE = 7\n")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_without_a_command_the_commands_are_listed(
    small: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    assert launcher.main([f"{small}{ending}"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "commands of small (each has --help):",
        "  config_summary",
        "  echo            Say what it was called with.",
        "  evaluate        Evaluate.",
    ]


@pytest.mark.parametrize("word", ["echo", "echo.py"])
def test_a_command_gets_its_words_its_modules_and_the_callers_folder(
    small: Path, tmp_path: Path, python: Python, word: str
) -> None:
    (tmp_path / "local_module.py").write_text(
        "CODE = 1  # of the caller's folder: must not be taken for the project's\n"
    )
    done = python("-m", "mlcore.launcher", small, word, "--config", "x y", "a=[1, 2]")
    assert done.returncode == 7
    assert done.stdout == f"{['--config', 'x y', 'a=[1, 2]']} __main__ {tmp_path}\n"
    assert done.stderr == ""


@pytest.mark.parametrize("word", ["evaluate", "test", "eval", "evaluate.py", "eval.py"])
def test_the_old_names_of_evaluate_work(small: Path, capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert launcher.main([str(small), word]) == 0
    assert capsys.readouterr().out == "evaluated\n"


def test_a_script_of_an_old_name_comes_before_the_alias(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small / "test.py").write_text("print('its own')\n")
    assert launcher.main([str(small), "test"]) == 0
    assert capsys.readouterr().out == "its own\n"


def test_dashes_and_underscores_are_one(small: Path) -> None:
    assert launcher.find_command(small, "config-summary") == small / "config_summary.py"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["projects/smal"], "project 'smal' is not there yet; did you mean 'small'?"),
        (["projects/zzzz"], "project 'zzzz' is not there yet; there are: small"),
        (["nowhere/zzzz"], "project 'zzzz' is not there yet"),
        (["projects/small", "evaluat"], "small has no command 'evaluat'; did you mean 'evaluate'?"),
        (["projects/small", "zzzz"], "small has no command 'zzzz'; it has: config_summary, echo, evaluate"),
        (["projects/small", "../x"], "small has no command '../x'; it has: config_summary, echo, evaluate"),
        (
            ["projects/small", "_private"],
            "small has no command '_private'; it has: config_summary, echo, evaluate",
        ),
        ([""], "usage: python -m mlcore.launcher PROJECT_DIR [COMMAND …]"),
        (["/"], "usage: python -m mlcore.launcher PROJECT_DIR [COMMAND …]"),
        ([], "usage: python -m mlcore.launcher PROJECT_DIR [COMMAND …]"),
    ],
)
def test_what_is_not_there_is_one_line_and_code_2(
    small: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    assert launcher.main(words) == 2
    assert capsys.readouterr().err == line + "\n"


def test_a_script_that_breaks_is_one_line_unless_debug_is_asked_for(small: Path, python: Python) -> None:
    (small / "broken.py").write_text("def f():\n    raise ValueError('one\\ntwo')\nf()\n")
    done = python("-m", "mlcore.launcher", small, "broken")
    assert done.returncode == 1
    assert done.stderr == "internal error: broken.py: ValueError: one (--debug shows where)\n"
    assert "Traceback" in python("-m", "mlcore.launcher", small, "broken", "--debug").stderr


def test_a_command_may_be_called_like_a_module_of_python_without_standing_in_its_way(
    small: Path, capsys: pytest.CaptureFixture[str], python: Python
) -> None:
    (small / "profile_.py").write_text("'Show.'\nimport cProfile, profile\nprint(profile.Profile.__name__)\n")
    assert launcher.main([str(small)]) == 0
    assert "  profile         Show." in capsys.readouterr().out
    result = python("-m", "mlcore.launcher", str(small), "profile")
    assert result.stdout.strip() == "Profile", result.stderr


def test_the_callers_words_and_paths_are_as_before_afterwards(small: Path) -> None:
    argv, path = list(sys.argv), list(sys.path)
    with pytest.raises(SystemExit):
        launcher.main([str(small), "echo"])
    assert (sys.argv, sys.path) == (argv, path)


def test_a_script_that_cannot_be_read_is_listed_all_the_same(small: Path) -> None:
    (small / "wrong.py").write_bytes(b"def (\x00\xff")
    assert "wrong" in launcher.listing(small)
    assert "(cannot be read)" in launcher.listing(small)


def test_launcher_and_script_do_the_same(project: Path, python: Python) -> None:
    assert python(project / "train.py").stdout == "7\n"
    assert python("-m", "mlcore.launcher", project, "train", "--seed", "9").stdout == "9\n"
    wrong = python("-m", "mlcore.launcher", f"{project}/", "train.py", "seeed=9")
    assert (wrong.returncode, wrong.stderr) == (2, "command line: seeed: no such key; did you mean 'seed'?\n")
