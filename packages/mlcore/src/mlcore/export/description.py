"""What a file says of the model that it holds: plain text by key, as ONNX and safetensors keep it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlcore.environment import remove_secrets
from mlcore.logger.redaction import redact

SCHEMA = "proving-ground model 1"


def as_metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """Text as it is, everything else as JSON; without secrets, and with `~` for the home folder.

    A key that ends in `_sha256` holds a hash, which would look like a secret.
    """
    texts = {"schema": SCHEMA, **{key: _as_text(value) for key, value in values.items()}}
    return {
        key: text if key.endswith("_sha256") else redact(remove_secrets(text)) for key, text in texts.items()
    }


def config_hash(config: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a configuration; the order of its keys does not matter."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
