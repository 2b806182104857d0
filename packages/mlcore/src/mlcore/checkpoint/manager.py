"""Saves the state of a run so that no kill, full disk or flipped bit can lose it, and finds it again.

One folder holds ``step_00000100.pt`` … (the newest ``keep_last`` and the best), ``best.pt`` and ``last.pt``
(second names of two of them, to be used by hand), and ``manifest.json``. One save is, in this order::

    step file: temporary sibling, fsync, rename, fsync of the folder   <- from here on it exists
    manifest.json, best.pt, last.pt: each replaced atomically
    step files that are no longer wanted: deleted

A kill anywhere leaves the folder valid: nothing is believed but the files themselves, which are looked at
afresh each time. A manager is the one writer of its folder; use ``load_checkpoint_file`` to read a folder in
which another process trains.
"""

import contextlib
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlcore.checkpoint.atomic_file import link_atomically, remove_leftovers, sync_folder
from mlcore.checkpoint.faults import fault_point
from mlcore.checkpoint.file_format import FileInfo, read_verified, write_checkpoint_file
from mlcore.checkpoint.folder_scan import Entry, best_entry, scan_folder, sha256_in_manifest
from mlcore.checkpoint.lookup import SUFFIXES, check_file_name, resolve_checkpoint, step_file_name
from mlcore.checkpoint.manifest import Manifest, ManifestEntry, read_manifest, write_manifest
from mlcore.errors import CheckpointError


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A verified checkpoint: its state on the CPU, the file it came from, and what it was saved with."""

    state: dict[str, Any]
    path: Path
    step: int
    metric: float | None


class CheckpointManager:
    """The checkpoints of one run.

    Args:
        folder: where they lie; made at the first save.
        keep_last: how many of the newest step files stay, besides the best one.
        mode: whether a smaller ("min") or a larger ("max") metric is better.
        monitor: name of the metric. Checkpoints saved under another name do not compete for "best".
        best_name: file name of the best checkpoint ("best.pth" for a project that wants it so).
        last_name: file name of the newest one ("latest.pt" likewise).

    Temporary files of dead processes are removed, and ``best.pt`` and ``last.pt`` set right if a kill came
    between.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep_last: int = 2,
        mode: Literal["min", "max"] = "min",
        monitor: str = "val_loss",
        best_name: str = "best.pt",
        last_name: str = "last.pt",
    ) -> None:
        if keep_last < 1:
            raise ValueError(f"keep_last is {keep_last}; at least 1 checkpoint must stay")
        if mode not in ("min", "max"):
            raise ValueError(f"mode is {mode!r}; it is 'min' or 'max'")
        self.folder = Path(folder)
        self.keep_last = keep_last
        self.mode = mode
        self.monitor = monitor
        self.best_name = check_file_name(best_name)
        self.last_name = check_file_name(last_name)
        if self.folder.is_dir():
            self._recover()

    def save(self, state: Mapping[str, Any], *, step: int, metric: float | None = None) -> Path:
        """Save ``state`` as the newest checkpoint; returns its step file.

        Args:
            state: tensors and plain values only; ``TypeError`` names anything else.
            step: a number >= 0. A checkpoint of the same step is replaced.
            metric: the monitored metric; NaN and infinities never count as best, and of equals the older one
                stays.

        Raises:
            CheckpointWriteError: the disk refused. Everything saved before is intact; training may go on.
        """
        if step < 0:
            raise ValueError(f"step is {step}; it must not be negative")
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = read_manifest(self.folder)
        before = self._scan(manifest)
        sequence = 1 + max((entry.info.sequence for entry in before if entry.info), default=0)
        info = FileInfo(step, None if metric is None else float(metric), self.monitor, sequence)
        path = self.folder / step_file_name(step)
        written = write_checkpoint_file(path, state, info)
        known = {**manifest.files, path.name: _manifest_entry(info, written.sha256, written.size)}
        self._publish(known)
        return path

    def load(self, which: str | Path = "last") -> LoadedCheckpoint:
        """Load a checkpoint after verifying every byte of it.

        Args:
            which: "last", "best", or a file name of the folder. A damaged last or best one is replaced by the
                newest valid one, with a warning that names both; a file asked for by its own name is not.

        Raises:
            CheckpointError: nothing valid is there, or the file asked for is missing or damaged.
        """
        manifest = read_manifest(self.folder)
        name = self._name_in_folder(which)
        alias = self._alias(name)
        if alias is None:
            return self._load_one(resolve_checkpoint(self.folder / name), manifest)
        candidates = self._scan(manifest)
        if alias == "best" and candidates:
            best = self._best_or_its_remains(candidates, manifest)
            candidates = [best, *(entry for entry in candidates if entry is not best)]
        return self._load_first_valid([entry.path for entry in candidates], manifest, alias)

    @property
    def best_metric(self) -> float | None:
        """The best finite metric among the checkpoints of this monitor; None when there is none."""
        best = self._best()
        return best.info.metric if best and best.info else None

    @property
    def best_step(self) -> int | None:
        """The step of the best checkpoint; None when there is none."""
        best = self._best()
        return best.info.step if best and best.info else None

    def steps(self) -> list[int]:
        """The steps of which a checkpoint is there, in numeric order."""
        entries = self._scan(read_manifest(self.folder))
        return sorted({entry.info.step for entry in entries if entry.info})

    def _best(self) -> Entry | None:
        return best_entry(self._scan(read_manifest(self.folder)), self.monitor, self.mode)

    def _scan(self, manifest: Manifest) -> list[Entry]:
        return scan_folder(self.folder, manifest, aliases=(self.last_name, self.best_name))

    def _recover(self) -> None:
        """What a kill left behind is put right; a folder that cannot be written is left as it is."""
        with contextlib.suppress(OSError, CheckpointError):
            remove_leftovers(self.folder)
            entries = self._scan(read_manifest(self.folder))
            self._link_aliases(entries)

    def _publish(self, known: dict[str, ManifestEntry]) -> None:
        """Bring manifest, best, last and the rotation up to the step file that was just written."""
        entries = self._scan(Manifest(known, monitor=self.monitor, mode=self.mode))
        best = best_entry(entries, self.monitor, self.mode)
        doomed = self._no_longer_wanted(entries, best, known)
        kept = [entry for entry in entries if entry.is_step_file and entry not in doomed]
        files = {entry.path.name: _listed(entry, known) for entry in kept if entry.info}
        last = next((entry for entry in entries if entry.info), None)
        fault_point("checkpoint.manifest.before")
        write_manifest(
            self.folder,
            Manifest(
                files=dict(sorted(files.items(), key=lambda item: item[1].sequence)),
                best=_target_name(best),
                last=_target_name(last),
                monitor=self.monitor,
                mode=self.mode,
            ),
        )
        fault_point("checkpoint.manifest.after")
        self._link_aliases(entries)
        fault_point("checkpoint.prune.before")
        for entry in doomed:
            fault_point("checkpoint.prune.middle")
            with contextlib.suppress(OSError):  # the next save tries again
                entry.path.unlink()
        sync_folder(self.folder)
        fault_point("checkpoint.prune.after")

    def _link_aliases(self, entries: list[Entry]) -> None:
        """Let best.pt and last.pt name the right files."""
        best = best_entry(entries, self.monitor, self.mode)
        fault_point("checkpoint.best.before")
        if best is not None and best.path.name != self.best_name:
            link_atomically(best.path, self.folder / self.best_name, point="checkpoint.best")
        fault_point("checkpoint.best.after")
        last = next((entry for entry in entries if entry.info), None)
        fault_point("checkpoint.last.before")
        if last is not None and last.path.name != self.last_name:
            link_atomically(last.path, self.folder / self.last_name, point="checkpoint.last")
        fault_point("checkpoint.last.after")

    def _no_longer_wanted(
        self, entries: list[Entry], best: Entry | None, known: dict[str, ManifestEntry]
    ) -> list[Entry]:
        """Our step files but the newest ``keep_last`` and the best, and what is damaged beyond reading.

        A file that we did not write, or of which nothing tells that we did, is never touched.
        """
        ours = [entry for entry in entries if entry.is_step_file and entry.info]
        remains = [entry for entry in entries if entry.info is None and entry.path.name in known]
        surplus = [entry for entry in ours[self.keep_last :] if best is None or entry.path != best.path]
        return surplus + remains

    def _best_or_its_remains(self, entries: list[Entry], manifest: Manifest) -> Entry:
        """The best entry; the one that the manifest calls best if that is damaged beyond reading."""
        for entry in entries:
            if entry.info is None and entry.path.name == manifest.best:
                return entry
        best = best_entry(entries, self.monitor, self.mode)
        if best is None:
            raise CheckpointError(f"{self.folder}: no checkpoint was saved with a finite {self.monitor}")
        return best

    def _alias(self, name: str) -> Literal["best", "last"] | None:
        """Whether ``name`` means the best checkpoint, the last one, or a file of its own."""
        stem = Path(name).stem if Path(name).suffix in SUFFIXES else name
        if name == self.best_name or stem == "best":
            return "best"
        return "last" if name == self.last_name or stem in {"last", "latest"} else None

    def _name_in_folder(self, which: str | Path) -> str:
        if isinstance(which, Path):
            if which.parent.resolve() != self.folder.resolve():
                raise CheckpointError(f"{which} is not in {self.folder}; load it with load_checkpoint_file")
            return check_file_name(which.name)
        return check_file_name(which)

    def _load_one(self, path: Path, manifest: Manifest) -> LoadedCheckpoint:
        if path.resolve().parent != self.folder.resolve():
            raise CheckpointError(f"{path} leads out of its folder")
        try:
            state, info = read_verified(path, sha256=sha256_in_manifest(path, manifest), needs_proof=True)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
        if not isinstance(state, dict) or info is None:
            raise CheckpointError(f"{path}: holds a {type(state).__name__}, not a checkpoint")
        return LoadedCheckpoint(state, path, info.step, info.metric)

    def _load_first_valid(self, paths: list[Path], manifest: Manifest, which: str) -> LoadedCheckpoint:
        failures: list[str] = []
        for path in paths:
            try:
                loaded = self._load_one(path, manifest)
            except CheckpointError as error:
                failures.append(str(error))
                continue
            if failures:
                warnings.warn(f"{'; '.join(failures)}; loaded {path} instead", stacklevel=3)
            return loaded
        found = f": {'; '.join(failures)}" if failures else ""
        raise CheckpointError(f"{self.folder}: no valid {which} checkpoint{found}")


def _target_name(entry: Entry | None) -> str | None:
    return entry.path.name if entry else None


def _listed(entry: Entry, known: dict[str, ManifestEntry]) -> ManifestEntry:
    """The manifest's line for a step file; a file that a kill kept out of the manifest is hashed now."""
    assert entry.info is not None
    listed = known.get(entry.path.name)
    if listed is not None and listed.sequence == entry.info.sequence:
        return listed
    return _manifest_entry(entry.info, entry.sha256(), entry.path.stat().st_size)


def _manifest_entry(info: FileInfo, sha256: str, size: int) -> ManifestEntry:
    metric = info.metric if info.metric is not None and math.isfinite(info.metric) else None
    return ManifestEntry(sha256, size, info.step, metric, info.sequence)
