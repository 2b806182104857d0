"""Hub splits in the user's cache: fetched once, whole or not at all, with a manifest of the rule."""

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from filelock import FileLock

from mldata.checksums import file_sha256
from mldata.errors import DataError
from mldata.hub import stream_rows
from mldata.locations import cache_folder
from mldata.registry import DatasetSpec
from mldata.safe_names import check_name
from mldata.splits import HELD_OUT_RULE, Deduplicator, content_hash, held_out_split
from mldata.text_formats import read_documents, row_text

FORMAT = 1


def cached_split(spec: DatasetSpec, split: str, subset_size: int | None = None) -> Path | None:
    """The cached file that holds the split, or at least its first `subset_size` documents; None if there is
    none.

    A file that does not match its manifest is set aside as `….damaged` and counts as missing.
    """
    for path in (_path(spec, split, None), _path(spec, split, subset_size)):
        manifest = _read_manifest(path)
        if manifest is None:
            continue
        if path.stat().st_size == manifest.get("bytes") and file_sha256(path) == manifest.get("sha256"):
            return path
        path.replace(path.with_name(f"{path.name}.damaged"))
    return None


def fetch_split(spec: DatasetSpec, split: str, subset_size: int | None = None) -> Path:
    """Fetch a split, or its first `subset_size` documents, from the hub into the cache; return the file.

    Empty documents and repetitions are left out, and so is from train whatever stands in validation or test.
    Two processes fetch once.

    Raises:
        HubUnreachableError, DataError: see `hub.stream_rows`.
    """
    path = _path(spec, split, subset_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        present = cached_split(spec, split, subset_size)
        return present or _fetch(spec, split, subset_size, path)


def _fetch(spec: DatasetSpec, split: str, subset_size: int | None, path: Path) -> Path:
    assert spec.hub_id is not None
    others = [s for s in spec.splits if s != split and s in spec.hub_splits] if split == "train" else []
    excluded = [content_hash(text) for other in others for text in _documents(spec, other)]
    unique = Deduplicator(excluded)
    held_out = split not in spec.hub_splits or (
        "validation" in spec.splits and "validation" not in spec.hub_splits
    )
    rows = stream_rows(spec.hub_id, spec.hub_config, spec.hub_splits.get(split, "train"))
    texts = (text for row in rows if (text := row_text(row, spec, spec.hub_id)))
    documents = unique(held_out_split(texts, split, spec.held_out) if held_out else texts)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        num_documents = _write(islice(documents, subset_size), temporary)
        if num_documents == 0:
            raise DataError(f"the hub's {spec.hub_id} gave no document for split {split!r}")
        manifest = {
            "format": FORMAT,
            "dataset": spec.name,
            "split": split,
            "subset_size": subset_size,
            "hub_id": spec.hub_id,
            "hub_config": spec.hub_config,
            "rule": HELD_OUT_RULE.format(share=spec.held_out) if held_out else "the hub's own split",
            "num_documents": num_documents,
            "num_duplicates_left_out": unique.num_duplicates,
            "num_left_out_as_in_other_splits": unique.num_excluded,
            "bytes": temporary.stat().st_size,
            "sha256": file_sha256(temporary),
        }
        temporary.replace(path)
        _write_manifest(path, manifest)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _documents(spec: DatasetSpec, split: str) -> Iterator[str]:
    return read_documents(fetch_split(spec, split), spec_of_cache(spec))


def spec_of_cache(spec: DatasetSpec) -> DatasetSpec:
    """How cached files are read: they hold one column, `text`, whatever the hub's were."""
    from dataclasses import replace

    return replace(spec, columns=(("text",),))


def _write(documents: Iterator[str], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps({"text": document}, ensure_ascii=False) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return count


def _path(spec: DatasetSpec, split: str, subset_size: int | None) -> Path:
    stem = check_name(split if subset_size is None else f"{split}-first-{subset_size}", "split")
    return cache_folder() / "raw" / check_name(spec.name, "data set") / f"{stem}.jsonl"


def _manifest_path(path: Path) -> Path:
    return path.with_suffix(".manifest.json")


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    target = _manifest_path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    temporary.replace(target)


def _read_manifest(path: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads(_manifest_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return manifest if isinstance(manifest, dict) and path.is_file() else None
