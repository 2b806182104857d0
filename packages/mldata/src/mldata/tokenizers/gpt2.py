"""GPT-2's own vocabulary (OpenAI, 2019): 50,257 ids, 50,000 merges, `<|endoftext|>` = 50256."""

import hashlib
import json
from pathlib import Path

from mldata.errors import DataError, TokenizerError
from mldata.hub import fetch_file
from mldata.locations import cache_folder, data_folder
from mldata.tokenizers.base import END_OF_TEXT
from mldata.tokenizers.byte_bpe import ByteBPETokenizer

HUB_ID = "openai-community/gpt2"
SHA256 = {
    "vocab.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "merges.txt": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
}


def load_gpt2(data_dir: str | Path | None = None) -> ByteBPETokenizer:
    """GPT-2's tokenizer from the data folder's `gpt2/`, the cache, or the hub; both files are checked by
    SHA-256.

    Raises:
        DataError: without the files and without network (two lines that say what to do).
        TokenizerError: a file is not GPT-2's.
    """
    vocab_text, merges_text = (_file(name, data_dir) for name in ("vocab.json", "merges.txt"))
    vocab: dict[str, int] = json.loads(vocab_text)
    lines = merges_text.split("\n")[1:]  # the first line is a version comment
    merges = [(first, second) for first, _, second in (line.partition(" ") for line in lines if line)]
    return ByteBPETokenizer(sorted(vocab, key=vocab.__getitem__), merges, specials=[END_OF_TEXT], name="gpt2")


def _file(name: str, data_dir: str | Path | None) -> str:
    places = [data_folder(data_dir) / "gpt2" / name, cache_folder() / "raw" / "gpt2" / name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        path = places[-1]
        try:
            fetch_file(HUB_ID, name, path)
        except DataError as error:
            raise DataError(
                f"tokenizer 'gpt2' is neither in {places[0].parent.absolute()} nor in the cache, "
                f"and cannot be fetched: {error}\nput its vocab.json and merges.txt there, "
                "or use a tokenizer that needs no download: tinystories_bpe_4096"
            ) from None
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise TokenizerError(f"{path} is not GPT-2's {name}: its SHA-256 differs; delete it and try again")
    return content.decode("utf-8")
