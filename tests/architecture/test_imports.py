"""Imports stay inside the repository and follow the agreed direction; dangerous calls are nowhere."""

import ast
import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ["mlcore", "mldata", "mlmodels"]


def python_files(repository: Path) -> list[Path]:
    """Every Python file of packages, projects and tools."""
    folders = [repository / "packages", repository / "projects", repository / "tools"]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def imported_modules(path: Path) -> Iterator[str]:
    """The dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_is_ours_and_not_a_stranger_of_the_same_name(repository: Path, package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve().is_relative_to(repository)
    assert importlib.metadata.version(f"proving-ground-{package}").endswith("+mono"), (
        "an index could hold this version"
    )


def test_every_imported_ml_module_lies_inside_the_repository(repository: Path) -> None:
    roots = {name.split(".")[0] for path in python_files(repository) for name in imported_modules(path)}
    ours = {name for name in roots if name.startswith("ml") and name not in sys.stdlib_module_names}
    assert ours == set(PACKAGES)


def test_the_import_contracts_hold(repository: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--config",
        str(repository / "pyproject.toml"),
        "--no-cache",
    ]
    result = subprocess.run(command, capture_output=True, text=True, cwd=repository)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_package_imports_a_project_and_no_project_another(repository: Path) -> None:
    projects = {path.name for path in (repository / "projects").iterdir() if path.is_dir()}
    for path in python_files(repository):
        home = path.relative_to(repository).parts
        own = home[1] if home[0] == "projects" else None
        foreign = {name.split(".")[0] for name in imported_modules(path)} & (projects - {own})
        assert not foreign, f"{path} imports {foreign}"


def test_only_build_files_know_constructors_of_models(repository: Path) -> None:
    for script in (repository / "projects").glob("*/*.py"):
        assert not [
            name
            for name in imported_modules(script)
            if name.startswith("mlmodels.") and name.endswith(".model")
        ]


def dangerous_calls(tree: ast.AST) -> Iterator[str]:
    """Calls that could execute what a file holds."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        safe_load = any(
            k.arg == "weights_only" and getattr(k.value, "value", None) is True for k in node.keywords
        )
        if name == "torch.load" and not safe_load:
            yield f"line {node.lineno}: torch.load without weights_only=True"
        if name in {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}:
            yield f"line {node.lineno}: {name}"
        if name.split(".")[0] in {"pickle", "marshal", "shelve", "dill", "cloudpickle"}:
            yield f"line {node.lineno}: {name}"


def test_nothing_executes_what_a_file_holds(repository: Path) -> None:
    found = {
        str(path.relative_to(repository)): calls
        for path in python_files(repository)
        if "tests" not in path.parts
        and (calls := list(dangerous_calls(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == {}


def test_the_gate_against_dangerous_calls_sees_them() -> None:
    planted = "import torch, pickle\ntorch.load('x')\ntorch.load('x', weights_only=True)\npickle.loads(b'')\neval('1')"
    assert len(list(dangerous_calls(ast.parse(planted)))) == 3


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    heavy = "{'torch', 'numpy', 'datasets', 'scipy', 'sklearn', 'matplotlib', 'anthropic'}"
    code = f"import sys, {package}; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_experiments_load_no_compiler() -> None:
    modules = "mlcore.text_experiment.commands, mlcore.image_classification.training"
    code = f"import sys, {modules}; print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False", "it takes seconds, at every start of every command"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_package_can_be_imported(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
