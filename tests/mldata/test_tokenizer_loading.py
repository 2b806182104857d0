"""Tokenizers by name: saved and read again, damage and mischief refused, GPT-2's exact."""

import json
from pathlib import Path

import pytest
import tokenizers
from mldata import names
from mldata.errors import DataError, TokenizerError, UnknownDatasetError, UnsafeNameError
from mldata.registry import spec
from mldata.safe_names import check_name
from mldata.tokenizers import Tokenizer, load_tokenizer, read_tokenizer, tokenizer_names, train_tokenizer
from mldata.tokenizers.gpt2 import load_gpt2

TEXTS = ["the dog ran to the tree. the dog's ball 🎾 was red.\n"] * 5
HOSTILE = [
    "..", ".", "../x", "a/b", "a\\b", "/etc", "C:\\x", "C:x", "a\0b", "", " ", "a b", "~", "-x", ".hidden",
    "a/../b", "․․/x", "a…", "ａ", "x" * 101, "con\n", "$HOME", "a..b", "a.", "%2e%2e", "\u202ex", "*",
    "a;b", "tinystories/",
]  # fmt: skip


def trained(kind: str) -> Tokenizer:
    return train_tokenizer(kind, TEXTS, None if kind == "character" else 280, name=f"small_{kind}")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["byte_bpe", "character", "word"])
def test_a_saved_tokenizer_reads_back_with_the_same_ids_and_fingerprint(kind: str, tmp_path: Path) -> None:
    tokenizer = trained(kind)
    tokenizer.save(tmp_path / "models" / "tokenizers" / tokenizer.name, {"command": "made by a test"})
    again = load_tokenizer(tokenizer.name, assets_dir=tmp_path)
    assert type(again) is type(tokenizer)
    assert again.name == tokenizer.name
    assert again.fingerprint == tokenizer.fingerprint
    assert again.encode(TEXTS[0]) == tokenizer.encode(TEXTS[0])
    assert again.end_of_text_id == tokenizer.end_of_text_id
    metadata = json.loads((tmp_path / "models" / "tokenizers" / tokenizer.name / "metadata.json").read_text())
    assert metadata["kind"] == kind
    assert metadata["vocab_size"] == tokenizer.vocab_size
    assert metadata["command"] == "made by a test"
    assert tokenizer.name in tokenizer_names(assets_dir=tmp_path)


def test_the_three_kinds_and_two_vocabularies_have_different_fingerprints() -> None:
    prints = {trained(kind).fingerprint for kind in ("byte_bpe", "character", "word")}
    prints.add(train_tokenizer("byte_bpe", TEXTS, 270).fingerprint)
    assert len(prints) == 4
    assert all(len(value) == 64 for value in prints)


@pytest.mark.parametrize("kind", ["byte_bpe", "character", "word"])
def test_changed_content_is_refused_by_its_fingerprint(kind: str, tmp_path: Path) -> None:
    trained(kind).save(tmp_path / "x")
    path = tmp_path / "x" / "tokenizer.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    if kind == "byte_bpe":
        vocabulary = document["model"]["vocab"]
        vocabulary["!"], vocabulary['"'] = vocabulary['"'], vocabulary["!"]
    else:
        document["tokens"][:2] = document["tokens"][1::-1]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TokenizerError, match=r"is damaged: metadata\.json states"):
        read_tokenizer(tmp_path / "x")


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "{}", '{"model": 3}', '{"model": {"vocab": [], "merges": 1}}', "\xff"]
)
@pytest.mark.parametrize("name", ["tokenizer.json", "metadata.json"])
@pytest.mark.parametrize("kind", ["byte_bpe", "word"])
def test_damaged_files_are_one_clear_error(kind: str, name: str, content: str, tmp_path: Path) -> None:
    trained(kind).save(tmp_path / "x")
    (tmp_path / "x" / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(
        TokenizerError, match=r"x.*(cannot be read|holds no|is damaged|kind None|is no byte-level)"
    ):
        read_tokenizer(tmp_path / "x")
    (tmp_path / "x" / name).unlink()
    with pytest.raises(TokenizerError, match="is missing"):
        read_tokenizer(tmp_path / "x")


def test_an_unknown_name_suggests_the_nearest(tmp_path: Path) -> None:
    trained("word").save(tmp_path / "small_word")
    with pytest.raises(TokenizerError, match="no tokenizer 'smal_word'; did you mean 'small_word'") as caught:
        load_tokenizer("smal_word", assets_dir=tmp_path)
    assert caught.value.exit_code == 3
    with pytest.raises(
        UnknownDatasetError, match="no data set 'tinystorys'; did you mean 'tinystories'"
    ) as unknown:
        spec("tinystorys")
    assert unknown.value.exit_code == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_could_reach_outside_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeNameError, match="is not allowed"):
        load_tokenizer(name, assets_dir=tmp_path)
    with pytest.raises(UnsafeNameError):
        check_name(name)
    with pytest.raises(UnknownDatasetError):
        spec(name)


def test_registered_names_are_safe_and_hold_those_of_the_requirements() -> None:
    assert [check_name(name) for name in names()] == sorted(names())
    required = {
        "tinystories",
        "tiny-textbooks",
        "tiny-strange-textbooks",
        "tiny-codes",
        "storybook",
        "openwebtext",
    }
    assert required | {"wikitext2", "tinyshakespeare", "classic_books"} <= set(names())


def test_assets_are_found_by_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained("word").save(tmp_path / "models" / "tokenizers" / "mine")
    monkeypatch.setenv("ASSETS_DIR", str(tmp_path))
    assert load_tokenizer("mine").kind == "word"


def test_the_built_in_character_tokenizer_takes_any_text() -> None:
    tokenizer = load_tokenizer("character")
    assert tokenizer.decode(tokenizer.encode("Hello,\n\tworld ~!")) == "Hello,\n\tworld ~!"
    assert tokenizer.encode("é") == [tokenizer.unknown_id]
    assert tokenizer.end_of_text_id is not None


def test_every_trained_tokenizer_of_the_repository_loads_with_its_fingerprint(repository: Path) -> None:
    folders = sorted((repository / "assets" / "models" / "tokenizers").glob("*/metadata.json"))
    assert {"tinystories_bpe_4096", "tinyshakespeare_character"} <= {path.parent.name for path in folders}
    for path in folders:
        tokenizer = load_tokenizer(path.parent.name)
        text = "Once upon a time, there was a dog."
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert "train-tokenizer" in json.loads(path.read_text())["command"]


def test_tinystories_bpe_4096_has_its_size_and_is_read_alike_by_the_tokenizers_library(
    repository: Path,
) -> None:
    tokenizer = load_tokenizer("tinystories_bpe_4096")
    assert tokenizer.vocab_size == 4096
    path = repository / "assets" / "models" / "tokenizers" / "tinystories_bpe_4096" / "tokenizer.json"
    library = tokenizers.Tokenizer.from_file(str(path))
    text = "Once upon a time, there was a girl named Lily. She didn't like 3 naïve 🐕!\n\n"
    assert tokenizer.encode(text) == library.encode(text).ids
    assert tokenizer.decode([tokenizer.end_of_text_id]) == "<|endoftext|>"


@pytest.mark.data
def test_tinystories_bpe_4096_is_what_its_command_trains(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mldata import load_text

    documents = load_text("tinystories", "train", data_dir=data_dir)
    assert (
        train_tokenizer("byte_bpe", documents, 4096).fingerprint
        == load_tokenizer("tinystories_bpe_4096").fingerprint
    )


@pytest.mark.data
def test_gpt2_is_exact(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDATA_DIR", str(data_dir))
    tokenizer = load_tokenizer("gpt2")
    assert tokenizer.vocab_size == 50_257
    assert tokenizer.end_of_text_id == 50_256
    assert tokenizer.encode("Hello world") == [15496, 995]
    published = json.loads((data_dir / "gpt2" / "vocab.json").read_text(encoding="utf-8"))
    assert {token: index for index, token in enumerate(tokenizer.tokens)} == published  # type: ignore[attr-defined]
    document = json.loads((data_dir / "gpt2" / "tokenizer.json").read_text(encoding="utf-8"))
    document["pre_tokenizer"]["add_prefix_space"] = False
    library = tokenizers.Tokenizer.from_str(json.dumps(document))
    text = (data_dir / "openwebtext" / "validation.jsonl").read_text(encoding="utf-8")[:300_000]
    assert tokenizer.encode(text) == library.encode(text).ids


def test_gpt2_without_files_and_network_is_told_in_two_lines(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_gpt2(tmp_path)
    first, second = str(caught.value).split("\n")
    assert "'gpt2'" in first
    assert str(tmp_path / "gpt2") in first
    assert "tinystories_bpe_4096" in second
    assert caught.value.exit_code == 3


def test_gpt2_of_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "vocab.json").write_text("{}")
    with pytest.raises(TokenizerError, match=r"is not GPT-2's vocab.json: its SHA-256 differs"):
        load_gpt2(tmp_path)


def test_an_unknown_kind_and_missing_size_are_named() -> None:
    with pytest.raises(ValueError, match="no kind of tokenizer 'byte_bep'; did you mean 'byte_bpe'"):
        train_tokenizer("byte_bep", TEXTS, 300)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a word tokenizer needs vocab_size"):
        train_tokenizer("word", TEXTS)
    with pytest.raises(ValueError, match=r"the texts have \d+ characters, not 3"):
        train_tokenizer("character", TEXTS, 3)
