"""Run folders: one folder a run, made in one step, found again by name, trained in by one process at a time.

``runs/{name}_{YYYYmmdd-HHMMSS}[_k]/`` holds ``config.yaml``, ``environment.json``, ``metrics.jsonl``,
``metrics.json``, ``checkpoints/``, ``logs/``, ``samples/`` and ``report.html``.
"""

import errno
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from mlcore.config.problems import suggestion
from mlcore.config.run_name import check_run_name
from mlcore.errors import ConfigError, RunNotFoundError

COMPLETE = frozenset({"completed", "early_stopped"})
_FOLDER_NAME = re.compile(r"(?P<name>.+)_(?P<stamp>[0-9]{8}-[0-9]{6})(?:_(?P<k>[0-9]{1,9}))?", re.DOTALL)
_STAMP = re.compile(r"[0-9]{8}-[0-9]{6}")
_SUBFOLDERS = ("checkpoints", "logs", "samples")
_MAX_RUNS_OF_ONE_SECOND = 10_000
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR}


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, and where things stand in it."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name without its time."""
        match = _FOLDER_NAME.fullmatch(self.path.name)
        return match["name"] if match else self.path.name

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def logs(self) -> Path:
        """Folder of TensorBoard's and other logs."""
        return self.path / "logs"

    @property
    def samples(self) -> Path:
        """Folder of the samples drawn while training."""
        return self.path / "samples"

    @property
    def config_path(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def environment_path(self) -> Path:
        """What it ran on."""
        return self.path / "environment.json"

    @property
    def metrics_path(self) -> Path:
        """The summary, written at the end."""
        return self.path / "metrics.json"

    @property
    def metrics_stream_path(self) -> Path:
        """One JSON record a line, written while training."""
        return self.path / "metrics.jsonl"

    @property
    def evaluation_path(self) -> Path:
        """The results of ``evaluate``."""
        return self.path / "evaluation.json"

    @property
    def report_path(self) -> Path:
        """The page about the run."""
        return self.path / "report.html"

    @property
    def status(self) -> str | None:
        """How the run ended; None while it trains, or when it was killed."""
        try:
            status = json.loads(self.metrics_path.read_text(encoding="utf-8"))["status"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return status if isinstance(status, str) else None

    @property
    def is_complete(self) -> bool:
        """Whether training came to its end."""
        return self.status in COMPLETE

    def lock(self) -> AbstractContextManager[None]:
        """Keep other trainers out while the ``with`` block runs.

        Raises:
            RunLockedError: another process trains here; names it.
        """
        from mlcore.run_lock import lock_run

        return lock_run(self.path)


def create_run(
    runs_dir: Path, name: str, *, timestamp: str | None = None, files: Mapping[str, str] | None = None
) -> RunFolder:
    """Make the folder of a new run.

    It appears complete, in one step: it is filled under another name beside and then renamed. Two processes
    never get the same folder, as renaming onto a folder that holds something fails.

    Args:
        runs_dir: the folder of the run folders; made if missing.
        name: the run's name.
        timestamp: ``YYYYmmdd-HHMMSS``; now if None.
        files: text files to begin with (``config.yaml``, ``environment.json``), by name.

    Raises:
        ConfigError: the name cannot name a folder, or ``runs_dir`` cannot be written.
    """
    stamp = timestamp if timestamp is not None else time.strftime("%Y%m%d-%H%M%S")
    assert _STAMP.fullmatch(stamp), stamp
    try:
        check_run_name(name)
    except ValueError as error:
        raise ConfigError(f"run name: {error}") from None
    prepared = runs_dir / f".new-{uuid.uuid4().hex}"
    try:
        _prepare(prepared, files or {})
        return RunFolder(_move_to_free_name(prepared, f"{name}_{stamp}"))
    except OSError as error:
        raise ConfigError(f"{runs_dir}: no run folder can be made here: {error.strerror or error}") from None
    finally:
        shutil.rmtree(prepared, ignore_errors=True)


def _prepare(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for subfolder in _SUBFOLDERS:
        (folder / subfolder).mkdir()
    for file_name, text in files.items():
        assert Path(file_name).name == file_name, file_name
        (folder / file_name).write_text(text, encoding="utf-8")


def _move_to_free_name(prepared: Path, wanted: str) -> Path:
    for k in range(1, _MAX_RUNS_OF_ONE_SECOND):
        target = prepared.parent / (wanted if k == 1 else f"{wanted}_{k}")
        if os.path.lexists(target):
            continue
        try:
            os.rename(prepared, target)
        except OSError as error:
            is_denied = isinstance(error, PermissionError) and target.exists()  # what Windows says instead
            if error.errno in _TAKEN or is_denied:
                continue
            raise
        return target
    raise OSError(errno.EEXIST, f"{_MAX_RUNS_OF_ONE_SECOND} runs of the same name and second")


def find_run(spec: str | Path, runs_dir: Path, *, complete: bool = True) -> RunFolder:
    """The run that ``spec`` means.

    Args:
        spec: a checkpoint file in a run folder, a run folder, the full name of a folder in ``runs_dir``, or
            the name of a run, which means the newest of exactly that name.
        runs_dir: where names are looked up.
        complete: by name, consider only runs that came to their end. Resuming does not.

    Raises:
        RunNotFoundError: nothing of that name, or several things; says which.
    """
    text = str(spec)
    by_path = _run_at(Path(text))
    by_name = None
    if Path(text).name == text and text not in (".", ".."):
        by_name = _run_at(runs_dir / text) if _FOLDER_NAME.fullmatch(text) else None
        by_name = by_name or newest_run(runs_dir, text, complete=complete)
    if by_path and by_name and not _is_same(by_path.path, by_name.path):
        raise RunNotFoundError(f"{text!r} is ambiguous: write ./{by_path.path} or {by_name.path}")
    found = by_path or by_name
    if found is None:
        raise RunNotFoundError(_not_found(text, runs_dir, complete))
    return found


def newest_run(runs_dir: Path, name: str | None = None, *, complete: bool = True) -> RunFolder | None:
    """The newest run in ``runs_dir``, of exactly this name if one is given; None if there is none."""
    candidates = [run for run in list_runs(runs_dir) if name in (None, run.name)]
    return next((run for run in reversed(candidates) if run.is_complete or not complete), None)


def list_runs(runs_dir: Path) -> list[RunFolder]:
    """The run folders of ``runs_dir``, oldest first. Links and folders of other names are left out."""
    found = []
    try:
        for entry in os.scandir(runs_dir):
            match = _FOLDER_NAME.fullmatch(entry.name)
            if match and entry.is_dir(follow_symlinks=False):
                found.append((match["stamp"], int(match["k"] or 1), entry.name))
    except OSError:
        return []
    return [RunFolder(runs_dir / folder_name) for _, _, folder_name in sorted(found)]


def _run_at(path: Path) -> RunFolder | None:
    """The run folder at ``path``, or around the checkpoint or the checkpoints folder at ``path``."""
    try:
        if not path.exists():
            return None
        candidates = [path, path.absolute().parent, path.absolute().parent.parent]
        return next((RunFolder(folder) for folder in candidates if (folder / "config.yaml").is_file()), None)
    except (OSError, ValueError):  # a NUL, a name that is too long, no permission
        return None


def _is_same(first: Path, second: Path) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)


def _not_found(text: str, runs_dir: Path, complete: bool) -> str:
    runs = list_runs(runs_dir)
    shown = ascii(text) if len(text) <= 100 else ascii(text[:97] + "...")
    unfinished = [run for run in runs if run.name == text]
    if complete and unfinished:
        newest = unfinished[-1]
        return f"no complete run {shown}; {newest.path.name} has the status {newest.status or 'unknown'!r}"
    names = sorted({run.name for run in runs})
    begins = [name for name in names if text and name.startswith(text)]
    if len(begins) > 1:
        return f"no run {shown} in {runs_dir}; which of {', '.join(begins[:10])}?"
    return f"no run {shown} in {runs_dir}{suggestion(text, names)}"
