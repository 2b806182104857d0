"""Token streams on disk: one flat file of uint16 or uint32, and a manifest that proves what it is."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mldata.checksums import file_sha256
from mldata.errors import DataError
from mldata.locations import cache_folder
from mldata.text import TextDataset
from mldata.tokenizers.base import Tokenizer

FORMAT = 1
TOKENS, MANIFEST = "tokens.bin", "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a token file holds and where it comes from."""

    dtype: str
    num_tokens: int
    num_documents: int
    num_text_bytes: int
    sha256: str
    tokenizer: str
    tokenizer_fingerprint: str
    vocab_size: int
    end_of_text_id: int | None
    source: str
    identity: str
    split: str | None
    format: int = FORMAT


class TokenFile:
    """A finished token file. `tokens` is a read-only memory map (num_tokens,) of uint16 or uint32."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.tokens: NDArray[Any] = np.memmap(folder / TOKENS, dtype=manifest.dtype, mode="r")

    @classmethod
    def open(cls, folder: str | Path, *, verify: bool = True) -> "TokenFile":
        """Open and check. The size always; the SHA-256 unless `verify` is False (once per file and process).

        Raises:
            DataError: no token file there, or it is damaged.
        """
        folder = Path(folder)
        manifest, path = read_manifest(folder), folder / TOKENS
        expected = manifest.num_tokens * np.dtype(manifest.dtype).itemsize
        size = path.stat().st_size if path.is_file() else 0
        if size != expected or size == 0:
            raise DataError(
                f"{path} is damaged: {size} bytes, not {expected}; delete {folder} and prepare it again"
            )
        if verify and file_sha256(path) != manifest.sha256:
            raise DataError(f"{path} is damaged: its SHA-256 differs; delete {folder} and prepare it again")
        return cls(folder, manifest)

    def check_tokenizer(self, tokenizer: Tokenizer) -> None:
        """Raise `DataError` in words unless the file was made with this very tokenizer."""
        if tokenizer.fingerprint != self.manifest.tokenizer_fingerprint:
            raise DataError(
                f"{self.folder} was made with tokenizer {self.manifest.tokenizer!r} "
                f"({self.manifest.tokenizer_fingerprint[:12]}), not with {tokenizer.name!r} "
                f"({tokenizer.fingerprint[:12]})"
            )

    def __len__(self) -> int:
        return self.manifest.num_tokens

    def __repr__(self) -> str:
        return f"TokenFile({str(self.folder)!r}, {len(self)} tokens, tokenizer={self.manifest.tokenizer!r})"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a token file; raises `DataError` where it is missing or of another shape."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{folder} holds no prepared tokens: {MANIFEST} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from None
    try:
        manifest = Manifest(**content)
    except TypeError:
        raise DataError(f"{path} is no manifest of tokens (format {FORMAT})") from None
    numbers = (manifest.num_tokens, manifest.num_documents, manifest.num_text_bytes, manifest.vocab_size)
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise DataError(f"{path} is damaged: its counts are no numbers")
    if manifest.format != FORMAT or manifest.dtype not in ("uint16", "uint32"):
        raise DataError(
            f"{path} is of format {manifest.format} and dtype {manifest.dtype}, which we do not know"
        )
    return manifest


def manifest_json(manifest: Manifest) -> str:
    """The manifest as it stands in the file."""
    return json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"


def prepare_tokens(
    documents: Iterable[str],
    tokenizer: Tokenizer,
    folder: str | Path,
    *,
    num_workers: int | None = None,
    progress: bool = True,
    source: str | None = None,
    split: str | None = None,
) -> TokenFile:
    """Encode documents into a token file, `<|endoftext|>` after each (if the tokenizer has it), and open it.

    A folder that already holds the tokens of the same documents and tokenizer is opened as it is; one that
    holds others is built anew; one that is damaged too. A build that was cut short goes on where it stopped.
    Two processes build once.

    Args:
        documents: a `TextDataset`, or any iterable. Without `source` only a `TextDataset`, list or tuple can
            be recognised again; other iterables are encoded at every call.
        num_workers: threads; default: the cores, at most 8.
        source: names documents that are no `TextDataset`; the caller changes it when they change.

    Raises:
        DataError: the documents hold too few tokens, or cannot be read.
        TokenizerError: a document cannot be encoded.
    """
    from mldata.token_building import build_token_file, identify

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(documents, TextDataset):
        split = split or documents.split
    described, identity = identify(documents, source)
    with FileLock(folder / ".lock"):
        present = _usable(folder, tokenizer, identity)
        if present is not None:
            return present
        build_token_file(
            documents,
            tokenizer,
            folder,
            described=described,
            identity=identity,
            split=split,
            num_threads=num_workers,
            progress=progress,
        )
        return TokenFile.open(folder)


def _usable(folder: Path, tokenizer: Tokenizer, identity: str | None) -> TokenFile | None:
    """What lies in the folder, if it is whole and of the same documents and tokenizer."""
    try:
        found = TokenFile.open(folder)
    except DataError:
        return None
    same = (found.manifest.tokenizer_fingerprint, found.manifest.identity) == (
        tokenizer.fingerprint,
        identity,
    )
    return found if same else None


def prepare_dataset(
    dataset: TextDataset, tokenizer: Tokenizer, *, num_workers: int | None = None, progress: bool = True
) -> TokenFile:
    """`prepare_tokens` into the cache's own folder for these documents and this tokenizer."""
    import hashlib

    key = hashlib.sha256(f"{dataset.identity}\n{tokenizer.fingerprint}".encode()).hexdigest()[:16]
    folder = cache_folder() / "processed" / dataset.name / f"{dataset.split}-{key}"
    return prepare_tokens(dataset, tokenizer, folder, num_workers=num_workers, progress=progress)
