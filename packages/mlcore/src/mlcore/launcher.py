"""``python -m mlcore.launcher PROJECT_DIR [COMMAND …]``: run a command of a project, or list its commands.

The scripts at the top of a project's folder are its commands: ``train`` runs ``train.py`` in this process,
so that signals and exit codes are its own. A script whose command is the name of a module of Python ends in an
underscore: ``profile`` runs ``profile_.py``, for a ``profile.py`` in the script's folder would be what torch imports.
"""

import ast
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ALIASES = {"test": "evaluate", "eval": "evaluate"}
"""Names of the original documents, used where the project has no script of that name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 2 for a project or a command that is not there."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or not words[0].strip("/\\ "):
        return _refuse("usage: python -m mlcore.launcher PROJECT_DIR [COMMAND …]")
    project = Path(words[0])
    if not project.is_dir() or not commands_of(project):
        return _refuse(f"project {_name(project)!r} is not there yet{_near_project(project)}")
    if len(words) == 1 or words[1] in ("--help", "-h", "help", ""):
        print(listing(project))
        return 0
    script = find_command(project, words[1])
    if script is None:
        return _refuse(f"{_name(project)} has no command {words[1]!r}{_near_command(project, words[1])}")
    return run_script(script, words[2:])


def commands_of(project: Path) -> dict[str, Path]:
    """The commands of a project: the scripts at its top, by name."""
    scripts = sorted(path for path in project.glob("*.py") if path.is_file())
    return {
        path.stem.rstrip("_"): path
        for path in scripts
        if not path.name.startswith(("_", ".")) and path.stem != "conftest"
    }


def find_command(project: Path, word: str) -> Path | None:
    """The script of a command: ``train``, ``train.py``, ``config-summary``, and the names in ``ALIASES``."""
    commands = commands_of(project)
    name = word.removesuffix(".py").replace("-", "_")
    return commands.get(name) or commands.get(ALIASES.get(name, ""))


def listing(project: Path) -> str:
    """The commands of a project, each with the first line of its script's docstring."""
    commands = commands_of(project)
    width = max(len(name) for name in commands)
    lines = [f"{name:<{width}}  {first_line(path)}".rstrip() for name, path in commands.items()]
    return "\n".join([f"commands of {_name(project)} (each has --help):", *(f"  {line}" for line in lines)])


def first_line(script: Path) -> str:
    """The first line of a script's docstring; the script is read, not imported."""
    try:
        docstring = ast.get_docstring(ast.parse(script.read_bytes()))
    except (OSError, SyntaxError, ValueError):
        return "(cannot be read)"
    return docstring.strip().splitlines()[0] if docstring and docstring.strip() else ""


def run_script(script: Path, arguments: Sequence[str]) -> int:
    """Run a script as ``python script arguments…`` would, in this process."""
    saved_argv, saved_path = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    # python -m puts the caller's folder first: a file named like a package there must not shadow the
    # project's own.
    sys.path[:1] = [str(script.resolve().parent)]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if "--debug" in arguments:
            raise
        reason = next(iter(str(error).splitlines()), "")
        print(
            f"internal error: {script.name}: {type(error).__name__}: {reason} (--debug shows where)",
            file=sys.stderr,
        )
        return 1
    finally:
        sys.argv, sys.path[:] = saved_argv, saved_path
    return 0


def load_script(script: Path) -> ModuleType:
    """A script as a module, whose `main` can be called; scripts of different projects have the same names."""
    spec = importlib.util.spec_from_file_location(f"{script.parent.name}_{script.stem}", script)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def _name(project: Path) -> str:
    return project.resolve().name


def _near_project(project: Path) -> str:
    from mlcore.config.problems import suggestion

    parent = project.resolve().parent
    names = (
        [path.name for path in sorted(parent.glob("*")) if path.is_dir() and commands_of(path)]
        if parent.is_dir()
        else []
    )
    return suggestion(_name(project), names) or (f"; there are: {', '.join(names)}" if names else "")


def _near_command(project: Path, word: str) -> str:
    from mlcore.config.problems import suggestion

    names = list(commands_of(project))
    return suggestion(word.removesuffix(".py"), names) or f"; it has: {', '.join(names)}"


if __name__ == "__main__":
    sys.exit(main())
