"""Libraries that only exporting needs: they come with the extra `export`, and their absence is one clear line."""

from __future__ import annotations

from importlib.util import find_spec

from mlcore.errors import UserError

ONNX_LIBRARIES = ("onnx", "onnxscript", "onnxruntime")
INSTALL = "pip install -e 'packages/mlcore[export]'"


class MissingExtraError(UserError):
    """A library of an optional extra is not installed."""


def require_onnx() -> None:
    """Return if everything that writes and runs ONNX is there.

    Raises:
        MissingExtraError: names what is missing and the extra that brings it.
    """
    missing = [name for name in ONNX_LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"ONNX needs {', '.join(missing)}, not installed here: they come with the extra 'export' of mlcore "
            f"({INSTALL}); --format safetensors needs nothing more"
        )
