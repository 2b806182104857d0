"""Byte-level BPE against the oracle's merges, and its ids against the `tokenizers` library's."""

import json
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata.errors import TokenizerError
from mldata.tokenizers import ByteBPETokenizer
from mldata.tokenizers.bpe_training import count_words, train_merges
from mldata.tokenizers.byte_alphabet import byte_to_character, to_bytes, to_characters

CORPUS = [
    "The little dog ran to the big tree. The dog's friend ran, too!\n\n",
    "aaaaaaa aaaa aa a bananas banana ananas",
    "naïve café — 12 345 6789 … don't we'll they've I'd",
    "日本語 日本 本 🙂🙂 🙂 Привет, привет",
] * 3


@pytest.fixture(scope="module")
def trained() -> ByteBPETokenizer:
    return ByteBPETokenizer.train(CORPUS, 400)


def library_twin(
    tokenizer: ByteBPETokenizer, folder: Path, *, keep_specials: bool = False
) -> tokenizers.Tokenizer:
    """The `tokenizers` library reading the file that we wrote."""
    document = json.loads((tokenizer.save(folder) / "tokenizer.json").read_text(encoding="utf-8"))
    if not keep_specials:
        document["added_tokens"] = []
    return tokenizers.Tokenizer.from_str(json.dumps(document))


@pytest.fixture(scope="module")
def twin(trained: ByteBPETokenizer, tmp_path_factory: pytest.TempPathFactory) -> tokenizers.Tokenizer:
    return library_twin(trained, tmp_path_factory.mktemp("twin"))


@pytest.mark.data
def test_training_gives_exactly_the_oracles_merges_and_vocabulary(data_dir: Path) -> None:
    folder = data_dir / "bpe_oracle"
    tokenizer = ByteBPETokenizer.train([(folder / "corpus.en").read_text(encoding="utf-8")], 500)
    vocabulary = json.loads((folder / "train-bpe-reference-vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "train-bpe-reference-merges.txt").read_text(encoding="utf-8").splitlines()
    assert {token: index for index, token in enumerate(tokenizer.tokens)} == vocabulary
    assert [" ".join(pair) for pair in tokenizer.merges] == [line for line in lines if line]
    assert len(vocabulary) == 500


@given(st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=9), st.integers(1, 5), max_size=8))
@settings(max_examples=150, deadline=None)
def test_incremental_counts_choose_the_merges_that_counting_anew_at_each_step_chooses(
    words: dict[str, int],
) -> None:
    """Oracle: the definition, with all pairs counted again before every merge."""
    split = [([bytes([byte]) for byte in word.encode()], count) for word, count in words.items()]
    expected: list[tuple[bytes, bytes]] = []
    while len(expected) < 12:
        counts: Counter[tuple[bytes, bytes]] = Counter()
        for word, count in split:
            for pair in pairwise(word):
                counts[pair] += count
        best = max(counts, key=lambda pair: (counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        expected.append(best)
        for word, _ in split:
            index = 0
            while index < len(word) - 1:
                if (word[index], word[index + 1]) == best:
                    word[index : index + 2] = [best[0] + best[1]]
                index += 1
    assert train_merges({word.encode(): count for word, count in words.items()}, 12) == expected


@given(st.text(max_size=120))
@settings(max_examples=150, deadline=None)
def test_ids_are_those_of_the_tokenizers_library_on_any_unicode_text(
    trained: ByteBPETokenizer, twin: tokenizers.Tokenizer, text: str
) -> None:
    assert trained.encode(text) == twin.encode(text).ids


@given(
    st.lists(
        st.sampled_from(["The", " dog", "aaa", "a", "\n", "  ", "\t", "🙂", "日本", "'s", "12", "é", "\x85"])
    )
)
@settings(max_examples=150, deadline=None)
def test_ids_are_those_of_the_tokenizers_library_on_text_full_of_its_merges(
    trained: ByteBPETokenizer, twin: tokenizers.Tokenizer, pieces: list[str]
) -> None:
    assert trained.encode("".join(pieces)) == twin.encode("".join(pieces)).ids


def test_both_libraries_cut_every_kind_of_character_alike(tmp_path: Path) -> None:
    """Merges that show each boundary: a lead character joins any first byte that it is not cut from."""
    leads, alphabet = "a1!Ġ", sorted(byte_to_character().values())
    merges = [(lead, other) for lead in leads for other in alphabet]
    probe = ByteBPETokenizer([*alphabet, *(a + b for a, b in merges)], merges, specials=[])
    reference = library_twin(probe, tmp_path)
    code_points = [*range(0xD800), *range(0xE000, 0x10000), *range(0x10000, sys.maxunicode, 29)]
    for begin in range(0, len(code_points), 20_000):
        text = "\n".join(f"a{c}1{c}!{c} {c}a" for c in map(chr, code_points[begin : begin + 20_000]))
        assert probe.encode(text) == reference.encode(text).ids, hex(code_points[begin])


@given(st.text(max_size=120))
@settings(max_examples=150, deadline=None)
def test_decoding_gives_back_any_unicode_text(trained: ByteBPETokenizer, text: str) -> None:
    ids = trained.encode(text)
    assert trained.decode(ids) == text
    assert trained.byte_lengths()[ids].sum() == len(text.encode())
    assert trained.encode_array(text).tolist() == ids


def test_a_special_token_written_by_a_user_is_ordinary_text_unless_allowed(trained: ByteBPETokenizer) -> None:
    text = "one<|endoftext|>two"
    assert trained.end_of_text_id == 0
    assert 0 not in trained.encode(text)
    assert trained.decode(trained.encode(text)) == text
    allowed = trained.encode(text, allow_special=True)
    assert allowed == [*trained.encode("one"), 0, *trained.encode("two")]
    assert trained.decode(allowed) == text


def test_allowed_special_tokens_are_encoded_as_the_tokenizers_library_does(
    trained: ByteBPETokenizer, tmp_path: Path
) -> None:
    reference = library_twin(trained, tmp_path, keep_specials=True)
    for text in ("<|endoftext|>", "a<|endoftext|><|endoftext|> b", " <|endoftext|> ", "<|endoftext"):
        assert trained.encode(text, allow_special=True) == reference.encode(text).ids


def test_a_batch_is_encoded_as_its_texts_one_by_one(trained: ByteBPETokenizer) -> None:
    assert trained.encode_batch(CORPUS) == [trained.encode(text) for text in CORPUS]
    assert trained.encode_batch([]) == []
    assert trained.encode("") == []


def test_byte_lengths_are_those_of_the_tokens_and_zero_for_special_ones(trained: ByteBPETokenizer) -> None:
    lengths = trained.byte_lengths()
    assert lengths.dtype == np.int32
    assert lengths.shape == (trained.vocab_size,)
    assert lengths[0] == 0
    assert (lengths[1:257] == 1).all()
    assert [len(to_bytes(token)) for token in trained.tokens[257:]] == lengths[257:].tolist()


def test_half_a_surrogate_pair_is_refused_and_an_unknown_id_named(trained: ByteBPETokenizer) -> None:
    with pytest.raises(TokenizerError, match=r"character 1 is '.ud800'"):
        trained.encode("a\ud800")
    size = trained.vocab_size
    with pytest.raises(
        TokenizerError, match=rf"token id {size} is not in the vocabulary \(0 to {size - 1}\)"
    ):
        trained.decode([1, size])
    with pytest.raises(TokenizerError, match="token id -1"):
        trained.decode([-1])


def test_ids_cut_inside_a_character_decode_to_a_replacement_and_exact_bytes() -> None:
    plain = ByteBPETokenizer.train(["x"], 257)
    ids = plain.encode("é")
    assert len(ids) == 2
    assert plain.decode(ids[:1]) == "\ufffd"
    assert plain.decode_bytes(ids[:1]) == "é".encode()[:1]


def test_too_small_a_vocabulary_is_refused_and_too_little_text_gives_fewer_merges() -> None:
    with pytest.raises(ValueError, match="vocab_size 256 is too small: 257 is the least"):
        ByteBPETokenizer.train(["text"], 256)
    assert ByteBPETokenizer.train(["abcd"], 300).vocab_size == 257


def test_training_does_not_depend_on_how_text_is_cut_into_documents_at_line_ends() -> None:
    lines = ["the dog ran\n", "the cat ran\n", "the dog sat\n"] * 4
    together = ByteBPETokenizer.train(lines, 280)
    assert ByteBPETokenizer.train(reversed(lines), 280).fingerprint == together.fingerprint
    assert ByteBPETokenizer.train([*lines, "dog dog dog"], 280).fingerprint != together.fingerprint


def test_the_byte_alphabet_is_the_librarys_and_a_bijection() -> None:
    from tokenizers.pre_tokenizers import ByteLevel

    assert set(byte_to_character().values()) == set(ByteLevel.alphabet())
    assert to_bytes(to_characters(bytes(range(256)))) == bytes(range(256))
    assert count_words([" the dog"]) == {"Ġthe": 1, "Ġdog": 1}


def test_content_that_is_no_byte_level_bpe_is_refused(trained: ByteBPETokenizer) -> None:
    tokens, merges = list(trained.tokens), list(trained.merges)
    with pytest.raises(TokenizerError, match="twice"):
        ByteBPETokenizer([*tokens, tokens[5]], merges)
    with pytest.raises(TokenizerError, match="no tokens at that point"):
        ByteBPETokenizer(tokens, merges[::-1])
    with pytest.raises(TokenizerError, match="lacks its special token"):
        ByteBPETokenizer(tokens[1:], merges)
    with pytest.raises(TokenizerError, match="in that order"):
        ByteBPETokenizer(tokens, merges[:-1])
