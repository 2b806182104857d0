"""A file that gets its name only after it was read back and gave the outputs of the model that it holds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mlcore.checkpoint.atomic_file import sync_folder, temporary_sibling
from mlcore.errors import ConfigError
from mlcore.export.agreement import Agreement, ExportError, compare_outputs


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written and checked."""

    path: Path
    num_bytes: int
    agreement: Agreement


def write_checked(
    path: Path,
    *,
    write: Callable[[Path], object],
    outputs_of: Callable[[Path], Tensor],
    expected: Tensor,
    tolerance: float,
) -> ExportedFile:
    """Write under a temporary name beside `path`, read back, compare, rename.

    Args:
        path: the file; its folder is made if it is missing.
        write: writes the file of the name that it is given.
        outputs_of: reads that file and runs it on the examples.
        expected: the model's own outputs of these.
        tolerance: largest difference allowed, as a share of the largest output.

    Raises:
        ExportError: the outputs differ; `path` is as it was, and nothing is left over.
        ConfigError: the file cannot be written.
    """
    temporary = temporary_sibling(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        agreement = compare_outputs(outputs_of(temporary), expected, tolerance)
        if not agreement.holds:
            raise ExportError(f"{path}: not written: read back, its outputs differ by {agreement}")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        size = temporary.stat().st_size
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return ExportedFile(path, size, agreement)
