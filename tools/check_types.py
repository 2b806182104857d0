"""Run mypy over the packages and over every project by itself: projects may have commands of the same name."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> int:
    """The worst exit code."""
    packages = [str(path) for path in sorted(REPOSITORY.glob("packages/*/src/*")) if path.is_dir()]
    projects = [[str(path.parent)] for path in sorted(REPOSITORY.glob("projects/*/train.py"))]
    codes = []
    for paths in (packages, *projects):
        print("mypy", *(Path(path).name for path in paths), flush=True)
        command = [sys.executable, "-m", "mypy", "--config-file", str(REPOSITORY / "pyproject.toml"), *paths]
        codes.append(subprocess.run(command, cwd=REPOSITORY).returncode)  # noqa: S603  our own words
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
