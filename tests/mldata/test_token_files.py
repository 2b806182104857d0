"""Token files: what is in them, built once, continued after a kill, damage noticed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mldata import token_building
from mldata.errors import DataError
from mldata.text import TextDataset
from mldata.token_files import TokenFile, prepare_dataset, prepare_tokens
from mldata.tokenizers import ByteBPETokenizer, CharacterTokenizer, WordTokenizer
from mldata.windows import TokenWindows

DOCUMENTS = [f"Story {number}: the dog 🐕 ran {'far ' * (number % 7)}away." for number in range(120)]


@pytest.fixture(scope="module")
def tokenizer() -> ByteBPETokenizer:
    return ByteBPETokenizer.train(DOCUMENTS, 300)


class Counting(ByteBPETokenizer):
    """Counts the documents that it is asked to encode, and may stop at one."""

    def __init__(self, like: ByteBPETokenizer, stop_at: int | None = None) -> None:
        super().__init__(like.tokens, like.merges, name=like.name)
        self.calls = 0
        self.stop_at = stop_at

    def encode_array(self, text: str) -> np.ndarray:
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        return super().encode_array(text)


def expected_ids(tokenizer: ByteBPETokenizer) -> list[int]:
    return [i for document in DOCUMENTS for i in [*tokenizer.encode(document), tokenizer.end_of_text_id]]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_file_holds_each_documents_ids_and_an_end_of_text(
    tokenizer: ByteBPETokenizer, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_building, "_BATCH_CHARACTERS", 100)
    made = prepare_tokens(DOCUMENTS, tokenizer, tmp_path / "out", num_workers=workers)
    assert made.tokens.tolist() == expected_ids(tokenizer)
    assert made.tokens.dtype == np.uint16
    assert len(made) == len(made.tokens)
    assert made.manifest.num_documents == len(DOCUMENTS)
    assert made.manifest.num_text_bytes == sum(len(document.encode()) for document in DOCUMENTS)
    assert made.manifest.tokenizer_fingerprint == tokenizer.fingerprint
    assert sorted(path.name for path in made.folder.iterdir()) == [".lock", "manifest.json", "tokens.bin"]


def test_a_large_vocabulary_takes_uint32(tmp_path: Path) -> None:
    words = WordTokenizer([f"w{number}" for number in range(70_000)])
    made = prepare_tokens(["w69999"], words, tmp_path)
    assert made.tokens.dtype == np.uint32
    assert made.tokens.tolist() == [70_001, 0]


def test_without_an_end_of_text_token_documents_follow_one_another(tmp_path: Path) -> None:
    made = prepare_tokens(["ab", "ba"], CharacterTokenizer.train(["ab"]), tmp_path)
    assert made.tokens.tolist() == [0, 1, 1, 0]


def test_a_second_preparation_of_the_same_encodes_nothing(
    tokenizer: ByteBPETokenizer, tmp_path: Path
) -> None:
    first, second = Counting(tokenizer), Counting(tokenizer)
    prepare_tokens(DOCUMENTS, first, tmp_path)
    made = prepare_tokens(tuple(DOCUMENTS), second, tmp_path)
    assert (first.calls, second.calls) == (len(DOCUMENTS), 0)
    assert made.tokens.tolist() == expected_ids(tokenizer)


def test_other_documents_or_another_tokenizer_are_prepared_anew(
    tokenizer: ByteBPETokenizer, tmp_path: Path
) -> None:
    prepare_tokens(DOCUMENTS, tokenizer, tmp_path)
    fewer = prepare_tokens(DOCUMENTS[:50], tokenizer, tmp_path)
    assert fewer.manifest.num_documents == 50
    other = ByteBPETokenizer.train(DOCUMENTS, 270)
    made = prepare_tokens(DOCUMENTS[:50], other, tmp_path)
    assert made.manifest.tokenizer_fingerprint == other.fingerprint
    assert made.tokens.tolist() != fewer.tokens.tolist()
    with pytest.raises(DataError, match="was made with tokenizer"):
        made.check_tokenizer(tokenizer)
    made.check_tokenizer(other)


def test_an_iterator_without_a_source_is_never_taken_for_an_earlier_one(
    tokenizer: ByteBPETokenizer, tmp_path: Path
) -> None:
    prepare_tokens(iter(DOCUMENTS), tokenizer, tmp_path)
    made = prepare_tokens(iter(DOCUMENTS[:3]), tokenizer, tmp_path)
    assert made.manifest.num_documents == 3
    named = Counting(tokenizer)
    prepare_tokens(iter(DOCUMENTS[:3]), named, tmp_path, source="three")
    prepare_tokens(iter([]), named, tmp_path, source="three")
    assert named.calls == 3


def test_every_flipped_byte_and_cut_is_noticed_on_opening(
    tokenizer: ByteBPETokenizer, tmp_path: Path
) -> None:
    made = prepare_tokens(DOCUMENTS, tokenizer, tmp_path)
    path, whole = tmp_path / "tokens.bin", (tmp_path / "tokens.bin").read_bytes()
    del made
    for place in [*range(0, len(whole), 97), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="SHA-256 differs"):
            TokenFile.open(tmp_path)
    for size in (0, 1, len(whole) - 1, len(whole) + 1):
        path.write_bytes((whole + b"\0")[:size])
        for verify in (True, False):
            with pytest.raises(DataError, match=f"{size} bytes, not {len(whole)}"):
                TokenFile.open(tmp_path, verify=verify)
    path.write_bytes(whole)
    assert TokenFile.open(tmp_path).tokens.tolist() == expected_ids(tokenizer)


def test_damaged_tokens_are_prepared_anew(tokenizer: ByteBPETokenizer, tmp_path: Path) -> None:
    prepare_tokens(DOCUMENTS, tokenizer, tmp_path)
    (tmp_path / "tokens.bin").write_bytes(b"\0" * 10)
    assert prepare_tokens(DOCUMENTS, tokenizer, tmp_path).tokens.tolist() == expected_ids(tokenizer)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', "null", "\x00", "[" * 5000])
def test_a_damaged_manifest_is_one_clear_error(
    tokenizer: ByteBPETokenizer, tmp_path: Path, content: str
) -> None:
    prepare_tokens(DOCUMENTS, tokenizer, tmp_path)
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="manifest"):
        TokenFile.open(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(DataError, match="holds no prepared tokens"):
        TokenFile.open(tmp_path)


def dataset_of(documents: list[str]) -> TextDataset:
    return TextDataset("made", "train", lambda: iter(documents), source="a list", identity="v1")


def test_an_interrupted_build_goes_on_and_ends_with_the_same_bytes(
    tokenizer: ByteBPETokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_building, "_BATCH_CHARACTERS", 100)
    monkeypatch.setattr(token_building, "_SAVE_EVERY_BYTES", 1)
    whole = prepare_tokens(dataset_of(DOCUMENTS), tokenizer, tmp_path / "whole")
    stopping, going_on = Counting(tokenizer, stop_at=90), Counting(tokenizer)
    with pytest.raises(KeyboardInterrupt):
        prepare_tokens(dataset_of(DOCUMENTS), stopping, tmp_path / "cut", num_workers=1)
    with pytest.raises(DataError, match="holds no prepared tokens"):
        TokenFile.open(tmp_path / "cut")
    with (tmp_path / "cut" / "tokens.bin.part").open("ab") as part:
        part.write(b"half a batch that was not yet noted")
    made = prepare_tokens(dataset_of(DOCUMENTS), going_on, tmp_path / "cut")
    assert made.manifest == whole.manifest
    assert 0 < going_on.calls < len(DOCUMENTS) - 40


def test_a_build_is_not_continued_with_other_documents(
    tokenizer: ByteBPETokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_building, "_BATCH_CHARACTERS", 100)
    monkeypatch.setattr(token_building, "_SAVE_EVERY_BYTES", 1)
    with pytest.raises(KeyboardInterrupt):
        prepare_tokens(dataset_of(DOCUMENTS), Counting(tokenizer, stop_at=90), tmp_path, num_workers=1)
    assert (tmp_path / "progress.json").is_file()
    changed = ["another beginning", *DOCUMENTS[1:]]
    made = prepare_tokens(dataset_of(changed), tokenizer, tmp_path)
    assert tokenizer.decode(made.tokens.tolist()).startswith("another beginning<|endoftext|>Story 1:")


PROGRAM = """
import os, signal, sys, time
from mldata import token_building
from mldata.tokenizers import ByteBPETokenizer
from mldata.text import TextDataset
from mldata.token_files import prepare_tokens
folder, log, kill_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
token_building._BATCH_CHARACTERS = token_building._SAVE_EVERY_BYTES = 1
documents = [f"document {n}" for n in range(60)]
calls = 0
class Logging(ByteBPETokenizer):
    def encode_array(self, text):
        global calls
        calls += 1
        if calls == kill_at:
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        with open(log, "a") as file:
            file.write(text + "\\n")
        time.sleep(0.005)
        return super().encode_array(text)
tokenizer = Logging.train(documents, 270)
data = TextDataset("made", "train", lambda: iter(documents), source="a list", identity="v1")
made = prepare_tokens(data, tokenizer, folder, num_workers=1)
assert tokenizer.decode(made.tokens.tolist()) == "".join(f"{d}<|endoftext|>" for d in documents)
"""


def run(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, arguments)], env={**os.environ})


def test_two_processes_build_once(tmp_path: Path) -> None:
    processes = [run(tmp_path / "out", tmp_path / "log", 0) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert (tmp_path / "log").read_text().split("\n")[:-1] == [f"document {number}" for number in range(60)]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_build_is_continued_by_the_next_process(tmp_path: Path) -> None:
    assert run(tmp_path / "out", tmp_path / "log", 30).wait(60) == -signal.SIGKILL
    before = len((tmp_path / "log").read_text().splitlines())
    assert before == 29
    assert run(tmp_path / "out", tmp_path / "log", 0).wait(60) == 0
    again = len((tmp_path / "log").read_text().splitlines()) - before
    assert 31 <= again < 45


def test_too_little_text_is_an_error_and_leaves_no_token_file(
    tokenizer: ByteBPETokenizer, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        prepare_tokens([], tokenizer, tmp_path)
    with pytest.raises(DataError, match="holds no prepared tokens"):
        TokenFile.open(tmp_path)


def test_an_error_while_reading_reaches_the_caller(tokenizer: ByteBPETokenizer, tmp_path: Path) -> None:
    def failing() -> Iterator[str]:
        yield "one"
        raise DataError("the second is damaged")

    with pytest.raises(DataError, match="the second is damaged"):
        prepare_tokens(failing(), tokenizer, tmp_path)


def test_a_prepared_data_set_lies_in_the_cache_by_its_content(
    tokenizer: ByteBPETokenizer, tmp_path: Path
) -> None:
    one = prepare_dataset(dataset_of(DOCUMENTS), tokenizer)
    assert one.folder.is_relative_to(tmp_path / "cache" / "processed" / "made")
    assert one.manifest.split == "train"
    assert prepare_dataset(dataset_of(DOCUMENTS), tokenizer).folder == one.folder
    other = TextDataset("made", "train", lambda: iter(["x", "y"]), source="a list", identity="v2")
    assert prepare_dataset(other, tokenizer).folder != one.folder


def test_a_test_split_cannot_be_trained_on(tokenizer: ByteBPETokenizer, tmp_path: Path) -> None:
    made = prepare_tokens(DOCUMENTS, tokenizer, tmp_path, split="test")
    with pytest.raises(DataError, match="is a test split: it is for evaluation"):
        TokenWindows(made, context_length=8, batch_size=2)
    assert len(TokenWindows(made, context_length=8, batch_size=2, mode="sequential")) > 0


def test_the_manifest_is_readable_json(tokenizer: ByteBPETokenizer, tmp_path: Path) -> None:
    prepare_tokens(DOCUMENTS, tokenizer, tmp_path, split="train", source="my documents")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["source"] == "my documents"
    assert manifest["split"] == "train"
    assert manifest["vocab_size"] == tokenizer.vocab_size
