"""Character and word tokenizers."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata.errors import TokenizerError
from mldata.tokenizers import CharacterTokenizer, Tokenizer, WordTokenizer

TEXT = "the dog ran. the cat sat!\nThe dog's tail — wagged."


@pytest.mark.data
def test_tinyshakespeare_has_65_characters_and_67_with_padding_and_unknown(data_dir: Path) -> None:
    text = (data_dir / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    plain = CharacterTokenizer.train([text])
    assert plain.vocab_size == 65
    assert list(plain.characters) == sorted(set(text))
    assert CharacterTokenizer.train([text], specials=["<pad>", "<unk>"]).vocab_size == 67
    ids = plain.encode(text)
    assert len(ids) == 1_115_394
    assert plain.decode(ids) == text


@given(st.text(min_size=1, max_size=100))
@settings(max_examples=200, deadline=None)
def test_characters_seen_in_training_survive_the_round_trip(text: str) -> None:
    tokenizer = CharacterTokenizer.train([text])
    ids = tokenizer.encode(text)
    assert ids == [sorted(set(text)).index(character) for character in text]
    assert tokenizer.decode(ids) == text
    assert tokenizer.byte_lengths()[ids].sum() == len(text.encode())


def test_an_unknown_character_is_named_or_becomes_unk() -> None:
    with pytest.raises(TokenizerError, match=r"character 'z' \(position 2\) is not among the 2"):
        CharacterTokenizer.train(["ab"]).encode("abz")
    tokenizer = CharacterTokenizer.train(["ab"], specials=["<unk>"])
    assert tokenizer.encode("abz🐕") == [0, 1, 2, 2]
    assert tokenizer.decode([0, 2]) == "a<unk>"


def test_special_tokens_of_a_character_tokenizer_cannot_be_written_in_a_text() -> None:
    tokenizer = CharacterTokenizer.train(["<|endoftext|>"], specials=["<|endoftext|>"])
    assert tokenizer.end_of_text_id not in tokenizer.encode("<|endoftext|>")


def test_words_are_ranked_by_frequency_and_then_alphabet() -> None:
    words = ["b b b a a c d", "c d"]
    counts = Counter([*re.findall(r" ?\w", "b b b a a c d"), "c", " d"])
    tokenizer = WordTokenizer.train(words, 6)
    assert list(tokenizer.words) == sorted(counts, key=lambda word: (-counts[word], word))[:4]
    assert tokenizer.specials == ("<|endoftext|>", "<unk>")
    assert (tokenizer.end_of_text_id, tokenizer.unknown_id) == (0, 1)


@given(st.text(max_size=100))
@settings(max_examples=200, deadline=None)
def test_a_word_tokenizer_with_all_words_loses_nothing_of_any_text(text: str) -> None:
    tokenizer = WordTokenizer.train([text], 10_000)
    ids = tokenizer.encode(text)
    assert tokenizer.unknown_id not in ids
    assert tokenizer.decode(ids) == text
    assert tokenizer.byte_lengths()[ids].sum() == len(text.encode())


def test_rare_words_are_unknown_and_specials_are_text_unless_allowed() -> None:
    tokenizer = WordTokenizer.train(["the dog the the dog cat"], 4)
    assert tokenizer.decode(tokenizer.encode(" the cat")) == " the<unk>"
    assert 0 not in tokenizer.encode(" the<|endoftext|>")
    assert tokenizer.encode(" the<|endoftext|> dog", allow_special=True)[1] == 0


@pytest.mark.parametrize("tokenizer", [CharacterTokenizer.train([TEXT]), WordTokenizer.train([TEXT], 12)])
def test_batches_arrays_and_singles_agree_and_ids_are_checked(tokenizer: Tokenizer) -> None:
    assert isinstance(tokenizer, Tokenizer)
    texts = [TEXT, "the dog", ""]
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]
    assert [tokenizer.encode_array(text).tolist() for text in texts] == tokenizer.encode_batch(texts)
    assert tokenizer.byte_lengths().shape == (tokenizer.vocab_size,)
    for wrong in (-1, tokenizer.vocab_size):
        with pytest.raises(TokenizerError, match=f"token id {wrong} is not in the vocabulary"):
            tokenizer.decode([wrong])


def test_impossible_vocabularies_are_refused() -> None:
    with pytest.raises(ValueError, match="no text"):
        CharacterTokenizer.train([])
    with pytest.raises(ValueError, match="vocab_size 2 is too small: 3 is the least"):
        WordTokenizer.train(["a"], 2)
    with pytest.raises(TokenizerError, match="single characters"):
        CharacterTokenizer(["ab"])
    with pytest.raises(TokenizerError, match="twice"):
        CharacterTokenizer(["a", "a"])
    with pytest.raises(TokenizerError, match="needs '<unk>'"):
        WordTokenizer(["a"], specials=[])
