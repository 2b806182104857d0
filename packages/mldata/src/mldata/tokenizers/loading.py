"""Tokenizers by name, and training of new ones."""

import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from mldata.errors import TokenizerError, did_you_mean
from mldata.locations import tokenizer_folders
from mldata.safe_names import check_name
from mldata.tokenizers.base import END_OF_TEXT, UNKNOWN, Tokenizer
from mldata.tokenizers.byte_bpe import ByteBPETokenizer
from mldata.tokenizers.character import CharacterTokenizer
from mldata.tokenizers.hf_format import tokens_and_merges
from mldata.tokenizers.storage import METADATA, read_content, read_metadata
from mldata.tokenizers.word import WordTokenizer

Kind = Literal["byte_bpe", "character", "word"]
BUILT_IN = ("gpt2", "character")


def load_tokenizer(name: str = "gpt2", *, assets_dir: str | Path | None = None) -> Tokenizer:
    """The tokenizer `name`.

    "gpt2" is GPT-2's; "character" is printable ASCII, newline and tab with `<|endoftext|>` and `<unk>` (for a
    vocabulary of a text's own characters: `train_tokenizer("character", texts)`); any other name is a folder
    in `assets/models/tokenizers`, whose fingerprint is checked.

    Raises:
        TokenizerError: no such tokenizer, or its files are damaged.
        UnsafeNameError: the name could reach outside the folder.
    """
    if name == "gpt2":
        from mldata.tokenizers.gpt2 import load_gpt2

        return load_gpt2()
    if name == "character":
        characters = sorted(set(string.printable) - set("\r\v\f"))
        return CharacterTokenizer(characters, specials=[END_OF_TEXT, UNKNOWN])
    check_name(name, "tokenizer")
    folders = tokenizer_folders(assets_dir)
    for folder in folders:
        if (folder / name).is_dir():
            return read_tokenizer(folder / name)
    raise TokenizerError(f"no tokenizer {name!r}{did_you_mean(name, tokenizer_names(assets_dir=assets_dir))}")


def tokenizer_names(*, assets_dir: str | Path | None = None) -> list[str]:
    """The names that `load_tokenizer` knows."""
    trained = (
        path.parent.name for folder in tokenizer_folders(assets_dir) for path in folder.glob(f"*/{METADATA}")
    )
    return sorted({*BUILT_IN, *trained})


def read_tokenizer(folder: str | Path) -> Tokenizer:
    """The tokenizer saved in `folder`; its content must have the fingerprint that its metadata states."""
    folder = Path(folder)
    stated, content = read_metadata(folder), read_content(folder)
    tokenizer = _build(stated.get("kind"), content, folder)
    claimed = (stated.get("fingerprint"), stated.get("vocab_size"))
    if claimed != (tokenizer.fingerprint, tokenizer.vocab_size):
        raise TokenizerError(
            f"{folder} is damaged: metadata.json states {claimed[1]} tokens, {str(claimed[0])[:12]}; "
            f"tokenizer.json has {tokenizer.vocab_size}, {tokenizer.fingerprint[:12]}"
        )
    return tokenizer


def _build(kind: object, content: dict[str, Any], folder: Path) -> Tokenizer:
    if kind == "byte_bpe":
        tokens, merges, specials = tokens_and_merges(content, str(folder))
        return _checked(ByteBPETokenizer, folder, tokens, merges, specials=specials, name=folder.name)
    makers: dict[object, Any] = {"character": CharacterTokenizer, "word": WordTokenizer}
    if kind not in makers:
        raise TokenizerError(f"{folder}: kind {kind!r} is none of byte_bpe, character, word")
    lists: list[Any] = [content.get("tokens"), content.get("specials")]
    for part in lists:
        if not isinstance(part, list) or not all(isinstance(token, str) for token in part):
            raise TokenizerError(
                f"{folder} is damaged: tokenizer.json lacks its lists of tokens and specials"
            )
    return _checked(makers[kind], folder, lists[0], specials=lists[1], name=folder.name)


def _checked(maker: Any, folder: Path, *arguments: Any, **options: Any) -> Tokenizer:
    """Build, and name the folder in whatever the content is refused for."""
    try:
        return maker(*arguments, **options)
    except (TokenizerError, KeyError, TypeError) as error:
        raise TokenizerError(f"{folder} is damaged: {error}") from None


def train_tokenizer(
    kind: Kind, texts: Iterable[str], vocab_size: int | None = None, *, name: str | None = None
) -> Tokenizer:
    """Train a tokenizer of `kind` on documents; `vocab_size` counts special tokens too.

    Characters need none: their number is the text's.
    """
    if kind == "character":
        tokenizer: Tokenizer = CharacterTokenizer.train(texts, name=name or kind)
        if vocab_size is not None and tokenizer.vocab_size != vocab_size:
            raise ValueError(
                f"the texts have {tokenizer.vocab_size} characters, not {vocab_size}: leave vocab_size out"
            )
        return tokenizer
    if kind not in ("byte_bpe", "word"):
        raise ValueError(
            f"no kind of tokenizer {kind!r}{did_you_mean(kind, ('byte_bpe', 'character', 'word'))}"
        )
    if vocab_size is None:
        raise ValueError(f"a {kind} tokenizer needs vocab_size")
    if kind == "byte_bpe":
        return ByteBPETokenizer.train(texts, vocab_size, name=name or f"byte_bpe_{vocab_size}")
    return WordTokenizer.train(texts, vocab_size, name=name or f"word_{vocab_size}")
