"""The tree says what the README says, and has room only for what belongs there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP_LEVEL = {
    "packages",
    "projects",
    "assets",
    "tools",
    "tests",
    "pyproject.toml",
    "hatch.toml",
    "README.md",
    ".ci",
    ".github",
    ".gitignore",
    "LICENSE",
    "CHANGELOG.md",
}
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "misc", "stuff"}


def tracked_files(repository: Path) -> list[Path]:
    """Every file that git knows or would add."""
    command = ["git", "-C", str(repository), "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [Path(line) for line in listing if (repository / line).exists()]


def test_the_top_level_holds_exactly_what_was_agreed(repository: Path) -> None:
    found = {path.parts[0] for path in tracked_files(repository)}
    assert found == TOP_LEVEL


def test_no_module_is_named_for_nothing(repository: Path) -> None:
    offenders = [
        path
        for path in tracked_files(repository)
        if SHAPELESS & {part.removesuffix(".py") for part in path.parts}
    ]
    assert offenders == []


@pytest.mark.parametrize("package", ["mlcore", "mldata", "mlmodels"])
def test_every_package_has_the_one_shape(repository: Path, package: str) -> None:
    root = repository / "packages" / package
    for part in ("pyproject.toml", "README.md", f"src/{package}/__init__.py", f"src/{package}/py.typed"):
        assert (root / part).is_file(), f"{root / part} is missing"


def test_every_project_has_the_one_shape(repository: Path) -> None:
    folders = (path for path in (repository / "projects").iterdir() if path.is_dir())
    projects = sorted(path for path in folders if path.name != "__pycache__")
    assert projects
    for project in projects:
        assert (project / "README.md").is_file()
        assert (project / "train.py").is_file()
        assert (project / "evaluate.py").is_file()
        assert (project / "configs" / "quickstart.yaml").is_file()
        assert (project / "configs" / "smoke.yaml").is_file()
        assert (project / project.name / "config.py").is_file()
        assert (project / project.name / "build.py").is_file()
        assert list((project / "tests").glob("test_*.py"))
        assert not (project / "pyproject.toml").exists(), "hatch would take the folder for a root of its own"


def test_every_command_is_short_and_says_what_it_does(repository: Path) -> None:
    for script in (repository / "projects").glob("*/*.py"):
        source = script.read_text(encoding="utf-8")
        assert source.count("\n") < 60, f"{script} is a command: wiring belongs in build.py"
        assert source.startswith('"""'), f"{script} needs a first line for the list of commands"
        assert "\ndef main(" in source, f"{script} must be importable"


def test_no_command_stands_in_the_way_of_a_module_of_python(repository: Path) -> None:
    scripts = {script.stem for script in (repository / "projects").glob("*/*.py")}
    assert not scripts & sys.stdlib_module_names, (
        "give it an underscore at the end: the launcher leaves it out"
    )


def test_the_tree_in_the_readme_is_true(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```text tree\n(.*?)```", readme, re.DOTALL)
    assert block, "the README shows the tree in a block marked 'text tree'"
    parents: list[str] = []
    checked = 0
    for line in block.group(1).splitlines():
        entry = line.split("  #")[0].rstrip()
        if not entry.strip():
            continue
        depth = (len(entry) - len(entry.lstrip())) // 2
        parents = [*parents[:depth], entry.strip().rstrip("/")]
        assert repository.joinpath(*parents).exists(), (
            f"the README names {'/'.join(parents)}, which is not there"
        )
        checked += 1
    assert checked >= 15


def test_no_file_names_a_path_of_one_machine(repository: Path) -> None:
    pattern = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")
    offenders = []
    for path in tracked_files(repository):
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ""}:
            text = (repository / path).read_text(encoding="utf-8", errors="ignore")
            offenders += [f"{path}: {match.group(0)}" for match in pattern.finditer(text)]
    assert [line for line in offenders if not line.startswith("tests/architecture/")] == []


def test_no_test_or_source_is_ignored_by_git(repository: Path) -> None:
    command = ["git", "-C", str(repository), "ls-files", "--others", "--ignored", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    own = [line for line in listing if line.endswith(".py") and not line.startswith(".venv/")]
    assert own == []
