"""Run a command: read its configuration, call it, and turn what goes wrong into one line and an exit code."""

import contextlib
import importlib
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import click

from mlcore.cli.parsing import CommandLine, parse_command_line
from mlcore.errors import ConfigError

if TYPE_CHECKING:
    from mlcore.cli.options import Options
    from mlcore.runs import RunFolder

Schema = str | Callable[[], type] | None
MEASURED_BATCH_SIZE = "mlcore.machine_settings.auto_batch_size:with_measured_batch_size"


def run_command(
    function: Callable[[Any, "Options"], int | None],
    *,
    schema: Schema,
    argv: Sequence[str] | None = None,
    project: Path,
    default_config: str | None = "configs/quickstart.yaml",
    extra: Sequence[click.Parameter] = (),
    flags: Literal["training", "evaluation", "none"] = "training",
    runs: str = "runs",
    settle: str | None = MEASURED_BATCH_SIZE,
) -> int:
    """Run one command of a project from its command line.

    Args:
        function: the command: gets the configuration (None without a schema) and the options; returns an
            exit code, None for 0. Its docstring, or else its module's, is the help text.
        schema: the root section as ``"package.module:Class"``, imported only when the configuration is read;
            or a function that returns the class; or None for a command without configuration.
        argv: the words after the command's name; those of the process if None.
        project: the project's folder; configurations are looked up there, and runs live in its ``runs/``.
        default_config: the configuration when none is named, relative to ``project``; None for the defaults.
        extra: further click parameters, found in ``options.extra``.
        flags: the kind of command: which flags it knows.
        runs: the folder of the run folders, within ``project``; a project whose commands have different
            configurations keeps their runs apart.
        settle: ``"package.module:function"`` that gets the configuration, the project's folder and the file, and
            returns the configuration to run with; not called by evaluations. The default puts the measured number in
            the place of ``training.batch_size: auto``.

    Returns:
        The exit code. Errors have been printed: whatever carries an ``exit_code`` as its text alone,
        anything else as one line ``internal error: …``, with a traceback only under ``--debug``.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    name = Path(sys.argv[0]).name if argv is None and sys.argv else f"{project.name}"
    help_text = function.__doc__ or getattr(sys.modules.get(function.__module__), "__doc__", None) or ""
    try:
        with _sigterm_ends_the_command():
            line = parse_command_line(
                words, name=name, help_text=help_text, group=flags, extra=extra, has_config=schema is not None
            )
            if line is None:
                return 0
            settle = None if flags == "evaluation" else settle
            return _run(function, line, schema, project, project / runs, default_config, flags, words, settle)
    except BaseException as error:
        return report_error(error, debug="--debug" in words)


def report_error(error: BaseException, *, debug: bool = False) -> int:
    """Print an error for the user and return the exit code that goes with it."""
    if isinstance(error, SystemExit):
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return 130
    exit_code = getattr(error, "exit_code", None)
    if isinstance(exit_code, int):
        print(error, file=sys.stderr)
        return exit_code
    if isinstance(error, BrokenPipeError):
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return 1
    lines = [text.strip() for text in str(error).splitlines() if text.strip()]
    hint = "" if debug else " (--debug shows where)"
    print(f"internal error: {type(error).__name__}{f': {lines[0]}' if lines else ''}{hint}", file=sys.stderr)
    return 1


def _run(
    function: Callable[[Any, "Options"], int | None],
    line: CommandLine,
    schema: Schema,
    project: Path,
    default_runs_dir: Path,
    default_config: str | None,
    flags: str,
    words: list[str],
    settle: str | None,
) -> int:
    from mlcore.cli.options import Options

    values = line.values
    runs_dir = values.get("runs_dir") or default_runs_dir
    run_folder = _named_run(values, runs_dir, flags)
    config_path, config = None, None
    if schema is not None:
        config_path = _config_path(values["config"], run_folder, project, default_config)
        config = _load(line, _import_schema(schema), config_path, project)
        if values["print_config"]:
            from mlcore.config.dumping import dump_config

            print(dump_config(config), end="")
            return 0
        if settle is not None:
            config = _named(settle)(config, project, config_path)
    if values.get("use_multigpu"):
        from mlcore.cli.multi_gpu import restart_on_all_devices

        restart_on_all_devices(words)
    options = Options(
        project=project,
        config_path=config_path,
        runs_dir=runs_dir,
        resume=values.get("resume"),
        run=values.get("run"),
        checkpoint=values.get("checkpoint") or values.get("weights"),
        run_folder=run_folder,
        debug=values["debug"],
        extra=MappingProxyType(line.extra),
    )
    code = function(config, options)
    return 0 if code is None else code


def _load(line: CommandLine, schema: Any, config_path: Path | None, project: Path) -> Any:
    from mlcore.config.loading import FlagValue, load_config
    from mlcore.config.matching import key_paths

    keys = set(key_paths(schema))
    chosen: dict[str, object] = {}
    problems = []
    for flag, spelling, value in line.flags:
        key = next((key for key in flag.keys if key in keys), None)
        if key is None:
            problems.append(f"command line: {spelling}: this project has no {flag.keys[0]!r}")
        else:
            chosen[key] = FlagValue(spelling, value)
    try:
        config = load_config(
            schema, config_path, overrides=line.overrides, flags=chosen, search=(project, project / "configs")
        )
    except ConfigError as error:
        problems.insert(0, str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    return config


def _named_run(values: dict[str, Any], runs_dir: Path, flags: str) -> "RunFolder | None":
    """The run that the command line names; for an evaluation that names nothing, the newest complete one."""
    from mlcore.errors import RunNotFoundError
    from mlcore.runs import find_run, newest_run

    if values.get("run") is not None:
        run = find_run(values["run"], runs_dir)
    elif values.get("resume") not in (None, "auto"):
        run = find_run(values["resume"], runs_dir, complete=False)
    elif values.get("checkpoint") is not None:
        try:
            return find_run(values["checkpoint"], runs_dir)
        except RunNotFoundError:
            return None  # a checkpoint may stand alone, with a configuration named beside it
    else:
        newest = newest_run(runs_dir) if flags == "evaluation" and values.get("config") is None else None
        if newest is None:
            return None
        run = newest
    print(f"run: {run.path}", file=sys.stderr)
    return run


def _config_path(
    named: str | None, run: "RunFolder | None", project: Path, default: str | None
) -> Path | None:
    """The configuration to read: the one named, that of the run, or the default."""
    if named is not None:
        return Path(named)
    if run is not None and run.config_path.is_file():
        return run.config_path
    return None if default is None else project / default


def _import_schema(schema: str | Callable[[], type]) -> Any:
    return _named(schema) if isinstance(schema, str) else schema()


def _named(place: str) -> Any:
    """What ``"package.module:name"`` means: the command line knows by name alone what is built upon it."""
    module_name, _, name = place.partition(":")
    return getattr(importlib.import_module(module_name), name)


@contextlib.contextmanager
def _sigterm_ends_the_command() -> Iterator[None]:
    """SIGTERM leaves with 143 through all ``finally`` blocks. Training has its own handler, which saves."""

    def leave(number: int, frame: FrameType | None) -> None:
        print("stopped by SIGTERM", file=sys.stderr)
        raise SystemExit(143)

    try:
        previous = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
