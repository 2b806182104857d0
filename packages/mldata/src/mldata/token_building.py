"""The making of a token file: threads encode, one writes in order; a cut-off build goes on."""

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError
from mldata.text import TextDataset
from mldata.token_files import MANIFEST, TOKENS, Manifest, manifest_json
from mldata.tokenizers.base import Tokenizer
from mldata.tokenizers.threads import default_threads

_BATCH_CHARACTERS = 1 << 18  # small enough that threads share even a small corpus
_SAVE_EVERY_BYTES = 1 << 26
_PART, _STATE = "tokens.bin.part", "progress.json"


def identify(documents: Iterable[str], source: str | None) -> tuple[str, str | None]:
    """Where documents come from, and a text that changes with them (None: not to be recognised again)."""
    if isinstance(documents, TextDataset):
        return source or documents.source, documents.identity
    if source is not None:
        return source, source
    if isinstance(documents, (list, tuple)):
        return "documents in memory", _running_hash(documents).hexdigest()
    return "documents of an iterator", None


def _running_hash(documents: Iterable[str], digest: Any = None) -> Any:
    digest = hashlib.sha256() if digest is None else digest
    for document in documents:
        data = document.encode("utf-8", errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest


@dataclass
class _State:
    """How far a build has come: written after the tokens are safe on disk."""

    key: str
    num_documents: int = 0
    num_text_bytes: int = 0
    num_tokens: int = 0
    documents_sha256: str = ""


def build_token_file(
    documents: Iterable[str],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    described: str,
    identity: str | None,
    split: str | None,
    num_threads: int | None,
    progress: bool,
) -> None:
    """Write `tokens.bin` and then `manifest.json`; the caller holds the folder's lock."""
    (folder / MANIFEST).unlink(missing_ok=True)
    dtype = np.dtype("<u2" if tokenizer.vocab_size <= 1 << 16 else "<u4")
    part = folder / _PART
    remaining, state, digest = _resume(
        documents, folder, f"{identity} {tokenizer.fingerprint}", dtype.itemsize
    )
    with part.open("r+b" if state.num_documents else "wb") as file:
        file.truncate(state.num_tokens * dtype.itemsize)
        file.seek(0, os.SEEK_END)
        encoded = _encode_in_order(remaining, tokenizer, dtype, num_threads or default_threads())
        _append(encoded, file, state, digest, folder, resumable=identity is not None, progress=progress)
        _flush(file)
    if state.num_tokens < 2:
        raise DataError(
            f"{described}: {state.num_tokens} tokens in {state.num_documents} documents: nothing to train on"
        )
    with part.open("rb") as whole:
        sha256 = hashlib.file_digest(whole, "sha256").hexdigest()
    part.replace(folder / TOKENS)
    manifest = Manifest(
        dtype=dtype.name,
        num_tokens=state.num_tokens,
        num_documents=state.num_documents,
        num_text_bytes=state.num_text_bytes,
        sha256=sha256,
        tokenizer=tokenizer.name,
        tokenizer_fingerprint=tokenizer.fingerprint,
        vocab_size=tokenizer.vocab_size,
        end_of_text_id=tokenizer.end_of_text_id,
        source=described,
        identity=identity or digest.hexdigest(),
        split=split,
    )
    _write_whole(folder / MANIFEST, manifest_json(manifest))
    (folder / _STATE).unlink(missing_ok=True)


def _resume(
    documents: Iterable[str], folder: Path, key: str, itemsize: int
) -> tuple[Iterator[str], _State, Any]:
    """The documents still to encode, the state and the running hash of those already encoded.

    The documents that were encoded before are read again and must hash to what the state says: then, and only
    then, their tokens are kept.
    """
    fresh = (iter(documents), _State(key), hashlib.sha256())
    try:
        state = _State(**json.loads((folder / _STATE).read_text(encoding="utf-8")))
        enough = (folder / _PART).stat().st_size >= state.num_tokens * itemsize
    except (OSError, ValueError, TypeError):
        return fresh
    if state.key != key or not enough or not isinstance(documents, (TextDataset, list, tuple)):
        return fresh
    stream = iter(documents)
    digest = _running_hash(islice(stream, state.num_documents))
    if digest.hexdigest() != state.documents_sha256:
        return iter(documents), _State(key), hashlib.sha256()
    return stream, state, digest


_Encoded = tuple[list[str], NDArray[Any]]


def _encode_in_order(
    documents: Iterator[str], tokenizer: Tokenizer, dtype: np.dtype[Any], num_threads: int
) -> Iterator[_Encoded]:
    """Batches of documents with their tokens, in the order of the documents whatever the threads do."""

    def encode(batch: list[str]) -> _Encoded:
        pieces: list[NDArray[Any]] = []
        for document in batch:
            pieces.append(tokenizer.encode_array(document))
            if end is not None:
                pieces.append(end)
        return batch, np.concatenate(pieces).astype(dtype, copy=False)

    end = None if tokenizer.end_of_text_id is None else np.array([tokenizer.end_of_text_id], dtype=np.uint32)
    pending: deque[Future[_Encoded]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        try:
            for batch in _batches(documents):
                pending.append(pool.submit(encode, batch))
                if len(pending) > 2 * num_threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _batches(documents: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _append(
    encoded: Iterator[_Encoded],
    file: BinaryIO,
    state: _State,
    digest: Any,
    folder: Path,
    *,
    resumable: bool,
    progress: bool,
) -> None:
    """Write batch after batch, and every 64 MB note on disk how far it is."""
    from mldata.progress import progress_line

    unsaved = 0
    with progress_line("preparing tokens", shown=progress) as advance:
        for batch, tokens in encoded:
            file.write(tokens.data)
            _running_hash(batch, digest)
            num_bytes = sum(len(document.encode()) for document in batch)
            state.num_documents += len(batch)
            state.num_text_bytes += num_bytes
            state.num_tokens += len(tokens)
            unsaved += tokens.nbytes
            advance(num_bytes)
            if resumable and unsaved >= _SAVE_EVERY_BYTES:
                _flush(file)
                state.documents_sha256 = digest.hexdigest()
                _write_whole(folder / _STATE, json.dumps(asdict(state)))
                unsaved = 0


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _write_whole(path: Path, text: str) -> None:
    """Replace a small file at once."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
