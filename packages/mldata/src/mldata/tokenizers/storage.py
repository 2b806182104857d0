"""How a tokenizer lies on disk: `tokenizer.json` (content) beside `metadata.json` (facts, origin)."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mldata.errors import TokenizerError
from mldata.tokenizers.base import Tokenizer

CONTENT, METADATA = "tokenizer.json", "metadata.json"
FORMAT = 1


def write_tokenizer(
    folder: str | Path,
    content: str,
    tokenizer: Tokenizer,
    specials: Sequence[str],
    metadata: Mapping[str, Any] | None,
) -> Path:
    """Write both files, the metadata last; each appears whole or not at all."""
    facts = {
        "kind": tokenizer.kind,
        "vocab_size": tokenizer.vocab_size,
        "fingerprint": tokenizer.fingerprint,
        "specials": list(specials),
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    described = {"format": FORMAT, **facts, **(metadata or {})}
    _replace_file(folder / CONTENT, content)
    _replace_file(folder / METADATA, json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    return folder


def plain_content(kind: str, tokens: Sequence[str], specials: Sequence[str]) -> str:
    """`tokenizer.json` of a tokenizer that is nothing but a list."""
    document = {"kind": kind, "tokens": tokens, "specials": specials}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _replace_file(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)


def read_metadata(folder: Path) -> dict[str, Any]:
    """`metadata.json` of a tokenizer; raises `TokenizerError` where it is missing or no JSON object."""
    return _read_object(folder / METADATA)


def read_content(folder: Path) -> dict[str, Any]:
    """`tokenizer.json` of a tokenizer; raises `TokenizerError` where it is missing or no JSON object."""
    return _read_object(folder / CONTENT)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TokenizerError(f"{path.parent} holds no whole tokenizer: {path.name} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise TokenizerError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(value, dict):
        raise TokenizerError(f"{path} holds no JSON object")
    return value
