"""Tokenizers: character, word, byte-level BPE, GPT-2's. One protocol, a fingerprint each."""

from importlib import import_module
from typing import Any

_HOMES = {
    "ByteBPETokenizer": "byte_bpe",
    "CharacterTokenizer": "character",
    "Coverage": "coverage",
    "END_OF_TEXT": "base",
    "Tokenizer": "base",
    "WordTokenizer": "word",
    "load_tokenizer": "loading",
    "measure_coverage": "coverage",
    "read_tokenizer": "loading",
    "tokenizer_names": "loading",
    "train_tokenizer": "loading",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mldata.tokenizers' has no attribute {name!r}")
    return getattr(import_module(f"mldata.tokenizers.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
