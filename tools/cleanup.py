"""Remove what can be made again: caches, unfinished runs, on request whole runs. Lists by default; --delete removes."""

import argparse
import json
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CACHES = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache")
NEVER_ENTERED = {".git", ".venv"}


def caches(root: Path) -> list[Path]:
    """Cache folders below `root`, never inside .git or .venv, never through a link."""
    found: list[Path] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink()):
        if folder.name in CACHES:
            found.append(folder)
        elif folder.name not in NEVER_ENTERED:
            found += caches(folder)
    return found


def runs(root: Path, *, finished_too: bool) -> list[Path]:
    """Run folders of the projects: those without a finished metrics.json, or all of them."""
    folders = sorted(
        path for path in root.glob("projects/*/runs/*") if path.is_dir() and not path.is_symlink()
    )
    return [folder for folder in folders if finished_too or not is_finished(folder)]


def is_finished(run: Path) -> bool:
    """True when the run's training came to its own end."""
    try:
        status = json.loads((run / "metrics.json").read_text(encoding="utf-8")).get("status")
    except (OSError, ValueError):
        return False
    return status in {"completed", "early_stopped"}


def size_mb(folder: Path) -> float:
    """Size of all files below a folder, in megabytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main(argv: list[str] | None = None) -> int:
    """List, or with --delete remove, what was listed and nothing else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=REPOSITORY)
    parser.add_argument(
        "--unfinished-runs", action="store_true", help="also runs that did not come to their end"
    )
    parser.add_argument("--all-runs", action="store_true", help="also every run")
    parser.add_argument("--delete", action="store_true", help="remove what is listed")
    options = parser.parse_args(argv)
    listed = caches(options.root)
    if options.unfinished_runs or options.all_runs:
        listed += runs(options.root, finished_too=options.all_runs)
    for folder in listed:
        print(f"{size_mb(folder):9.1f} MB  {folder.relative_to(options.root)}")
        if options.delete:
            shutil.rmtree(folder)
    print(
        f"{len(listed)} folders {'removed' if options.delete else 'would be removed; --delete removes them'}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
