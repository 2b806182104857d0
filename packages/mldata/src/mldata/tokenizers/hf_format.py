"""The `tokenizers` library's file format for byte-level BPE, so that others can load what we train."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mldata.errors import TokenizerError


def hf_tokenizer_json(tokens: Sequence[str], merges: Sequence[Sequence[str]], specials: Sequence[str]) -> str:
    """`tokenizer.json` with GPT-2's pre-tokenisation and no space put before the text."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    ids = {token: index for index, token in enumerate(tokens)}
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": ids[s], "content": s, **flags, "special": True} for s in specials],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": ids,
            "merges": [list(pair) for pair in merges],
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def tokens_and_merges(
    document: Mapping[str, Any], where: str
) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """Tokens in the order of their ids, merges and special tokens of a `tokenizer.json`."""
    try:
        vocab: dict[str, int] = document["model"]["vocab"]
        merges = [_pair(merge) for merge in document["model"]["merges"]]
        specials = [str(token["content"]) for token in document["added_tokens"]]
        tokens = sorted(vocab, key=vocab.__getitem__)
        numbered = [vocab[token] for token in tokens] == list(range(len(tokens)))
    except (KeyError, TypeError, ValueError) as error:
        raise TokenizerError(f"{where} is no byte-level BPE of the `tokenizers` library: {error!r}") from None
    if not numbered:
        raise TokenizerError(f"{where}: the ids are not 0 to {len(tokens) - 1}, each once")
    return tokens, merges, specials


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    """Older files write "a b", newer ones ["a", "b"]."""
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second
