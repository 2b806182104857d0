"""Text data sets: local layouts, splits without a document in common, the cache, the hub's part, offline."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mldata import hub, hub_cache, load_text
from mldata.errors import DataError, UnknownDatasetError
from mldata.registry import spec
from mldata.splits import content_hash, is_held_out


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "split", "count"),
    [
        ("tinystories", "train", 3610),
        ("tinystories", "validation", 432),
        ("openwebtext", "train", 1713),
        ("openwebtext", "validation", 191),
        ("classic_books", "validation", 20),
        ("tinyshakespeare", "train", 1),
    ],
)
def test_the_real_data_have_the_documents_that_their_notes_state(
    data_dir: Path, name: str, split: str, count: int
) -> None:
    dataset = load_text(name, split, data_dir=data_dir)
    assert len(dataset) == count
    assert all(document and "<|endoftext|>" not in document for document in dataset)
    assert str(data_dir / name) in dataset.source


@pytest.mark.data
def test_tinyshakespeare_is_cut_at_ninety_percent(data_dir: Path) -> None:
    train, validation = (
        "".join(load_text("tinyshakespeare", s, data_dir=data_dir)) for s in ("train", "validation")
    )
    assert (len(train), len(validation)) == (1_003_854, 111_540)
    assert train + validation == (data_dir / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")


@pytest.mark.data
@pytest.mark.parametrize(
    ("split", "file", "words"), [("validation", "valid", 217_646), ("test", "test", 245_569)]
)
def test_wikitext_articles_are_the_whole_file_and_have_its_words(
    data_dir: Path, split: str, file: str, words: int
) -> None:
    documents = list(load_text("wikitext2", split, data_dir=data_dir))
    text = (data_dir / "wikitext2" / f"wiki.{file}.raw").read_text(encoding="utf-8")
    assert "".join(documents) == text
    assert len(documents) == 60
    assert sum(len(line.split()) + 1 for document in documents for line in document.split("\n")[:-1]) == words


@pytest.mark.data
@pytest.mark.parametrize("name", ["tinystories", "openwebtext", "tinyshakespeare", "classic_books"])
def test_no_document_lies_in_two_splits(data_dir: Path, name: str) -> None:
    hashes = [
        set(map(content_hash, load_text(name, split, data_dir=data_dir))) for split in spec(name).splits
    ]
    assert all(hashes)
    assert not set.intersection(*hashes)


def write_jsonl(path: Path, texts: list[str], column: str = "text") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({column: text}) + "\n" for text in texts), encoding="utf-8")


def test_separated_text_is_cut_wherever_a_chunk_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mldata import text_formats

    documents = [f"story {number} 🐕\n\nsecond paragraph" for number in range(20)]
    (tmp_path / "tinystories").mkdir()
    for split in ("train", "validation"):
        (tmp_path / "tinystories" / f"{split}.txt").write_text(
            "\n<|endoftext|>\n".join(documents), encoding="utf-8"
        )
    for size in (1, 7, 13, 50, 10_000):
        monkeypatch.setattr(text_formats, "_CHUNK_CHARACTERS", size)
        assert list(load_text("tinystories", "train", data_dir=tmp_path)) == documents


@pytest.mark.parametrize("stem", ["TinyStories-train", "TinyStoriesV2-GPT4-train"])
def test_official_file_names_are_found(tmp_path: Path, stem: str) -> None:
    (tmp_path / "tinystories").mkdir()
    (tmp_path / "tinystories" / f"{stem}.txt").write_text("one<|endoftext|>")
    (tmp_path / "tinystories" / "TinyStories-valid.txt").write_text("two<|endoftext|>")
    assert list(load_text("tinystories", data_dir=tmp_path)) == ["one"]


def test_parquet_parts_are_read_in_order_with_the_sets_own_columns(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    (tmp_path / "tiny-codes").mkdir()
    for part in range(2):
        table = pyarrow.table({"prompt": [f"ask {part}"], "response": [f"code {part}"], "idx": [part]})
        for stem in ("train", "validation"):
            parquet.write_table(table, tmp_path / "tiny-codes" / f"{stem}-0000{part}-of-00002.parquet")
    assert list(load_text("tiny-codes", data_dir=tmp_path)) == ["ask 0\n\ncode 0", "ask 1\n\ncode 1"]


def test_without_a_validation_file_a_tenth_is_held_out_by_content(tmp_path: Path) -> None:
    texts = [f"document {number}" for number in range(2000)]
    write_jsonl(tmp_path / "openwebtext" / "train.jsonl", texts)
    train = list(load_text("openwebtext", "train", data_dir=tmp_path))
    held = list(load_text("openwebtext", "validation", data_dir=tmp_path))
    assert sorted(train + held) == sorted(texts)
    assert not set(train) & set(held)
    assert 150 < len(held) < 250
    write_jsonl(tmp_path / "openwebtext" / "train.jsonl", texts[::-1])
    assert set(load_text("openwebtext", "validation", data_dir=tmp_path)) == set(held)
    assert all(is_held_out(text, 0.1) for text in held)


def test_a_subset_is_the_splits_first_documents(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        write_jsonl(tmp_path / "openwebtext" / f"{split}.jsonl", [f"{split} {n}" for n in range(9)])
    subset = load_text("openwebtext", "train", subset_size=4, data_dir=tmp_path)
    assert list(subset) == [f"train {n}" for n in range(4)]
    assert len(subset) == 4
    assert subset.identity != load_text("openwebtext", "train", data_dir=tmp_path).identity
    assert len(load_text("openwebtext", "train", subset_size=99, data_dir=tmp_path)) == 9
    with pytest.raises(ValueError, match="subset_size is 0"):
        load_text("openwebtext", "train", subset_size=0, data_dir=tmp_path)


def test_a_file_that_differs_from_the_folders_checksums_is_refused(tmp_path: Path) -> None:
    import hashlib

    for split in ("train", "validation"):
        write_jsonl(tmp_path / "openwebtext" / f"{split}.jsonl", [f"text of {split}"])
    path = tmp_path / "openwebtext" / "train.jsonl"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  openwebtext/train.jsonl\n")
    assert list(load_text("openwebtext", "train", data_dir=tmp_path)) == ["text of train"]
    path.write_bytes(path.read_bytes().replace(b"text of", b"test of"))
    with pytest.raises(DataError, match="is damaged or another version"):
        load_text("openwebtext", "train", data_dir=tmp_path)


def test_another_text_under_tinyshakespeares_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "tinyshakespeare" / "input.txt").write_text("To be or not to be")
    with pytest.raises(DataError, match="is damaged or another version"):
        load_text("tinyshakespeare", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "a"}\n{"text": \n', r"train.jsonl:2: no JSON"),
        (b'{"text": "a"}\n["b"]\n', r"train.jsonl:2: no JSON object"),
        (b'{"body": "a"}\n', r"a row has no text in text; its columns are body"),
        (b'{"text": "\xff"}\n', r"is no UTF-8 text"),
        (b"[" * 100_000 + b"\n", r"train.jsonl:1: no JSON"),
    ],
)
def test_a_damaged_file_is_one_line_that_says_where(tmp_path: Path, content: bytes, message: str) -> None:
    write_jsonl(tmp_path / "openwebtext" / "validation.jsonl", ["v"])
    (tmp_path / "openwebtext" / "train.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        list(load_text("openwebtext", "train", data_dir=tmp_path))
    assert "\n" not in str(caught.value)


def test_half_a_surrogate_in_json_becomes_a_replacement_character(tmp_path: Path) -> None:
    (tmp_path / "openwebtext").mkdir()
    for split in ("train", "validation"):
        (tmp_path / "openwebtext" / f"{split}.jsonl").write_text('{"text": "a\\ud83d \\ud83d\\ude00"}\n')
    assert list(load_text("openwebtext", data_dir=tmp_path)) == ["a\ufffd 😀"]


def test_unknown_names_and_splits_are_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownDatasetError, match="did you mean 'openwebtext'"):
        load_text("openwebtxt", data_dir=tmp_path)
    with pytest.raises(DataError, match="has no split 'valid'; did you mean 'validation'"):
        load_text("tinystories", "valid", data_dir=tmp_path)


def test_offline_without_data_is_told_in_two_lines_and_at_once(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(DataError) as caught:
        load_text("tinystories", data_dir=tmp_path)
    assert time.monotonic() - begin < 5
    first, second = str(caught.value).split("\n")
    assert "'tinystories'" in first
    assert str(tmp_path / "tinystories") in first
    assert "storybook" in second
    assert caught.value.exit_code == 3


def test_a_server_that_never_answers_does_not_hang_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(hub, "_ANSWER_WITHIN_S", 0.2)
        begin = time.monotonic()
        with pytest.raises(DataError, match="cannot be fetched: no network"):
            load_text("tinystories", data_dir=tmp_path)
        assert time.monotonic() - begin < 5


def test_told_to_stay_offline_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub.urllib.request, "urlopen", lambda *_a, **_k: pytest.fail("the network was used"))
    with pytest.raises(DataError, match="HF_HUB_OFFLINE is set"):
        load_text("tinystories", data_dir=tmp_path)


def test_a_set_without_a_download_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has no download of its own"):
        load_text("classic_books", data_dir=tmp_path)


class FakeHub:
    """The hub's rows from memory, at the one seam through which `datasets` is called."""

    def __init__(self, splits: Mapping[str, list[str]], column: str = "text") -> None:
        self.splits = splits
        self.column = column
        self.asked: list[str] = []
        self.rows_read = 0

    def __call__(self, hub_id: str, config: str | None, split: str) -> Iterator[Mapping[str, Any]]:
        self.asked.append(split)
        for text in self.splits[split]:
            self.rows_read += 1
            if text == "BREAK":
                raise ConnectionError("the line broke\nsecond line")
            yield {self.column: text}


def put_hub(monkeypatch: pytest.MonkeyPatch, fake: object) -> None:
    monkeypatch.setattr(hub, "require_hub", lambda: None)
    monkeypatch.setattr(hub, "_load_dataset", fake)


def test_the_hub_is_read_once_and_then_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeHub({"train": ["a", "b", "a", " ", "v", "c\n\nd"], "validation": ["v", "w"]})
    put_hub(monkeypatch, fake)
    expected = ["a", "b", "c\n\nd"]
    assert list(load_text("tinystories", "train", data_dir=tmp_path)) == expected
    assert fake.asked == ["train", "validation"] or fake.asked == ["validation", "train"]
    put_hub(monkeypatch, lambda *_: pytest.fail("fetched again"))
    again = load_text("tinystories", "train", data_dir=tmp_path)
    assert list(again) == expected
    assert "hub roneneldan/TinyStories, cached in" in again.source
    assert list(load_text("tinystories", "validation", data_dir=tmp_path)) == ["v", "w"]
    manifest = json.loads((tmp_path / "cache/raw/tinystories/train.manifest.json").read_text())
    assert manifest["num_documents"] == 3
    assert manifest["num_duplicates_left_out"] == 1
    assert manifest["num_left_out_as_in_other_splits"] == 1


def test_a_subset_reads_no_more_of_the_hub_than_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeHub({"train": [f"text {n}" for n in range(1000)]})
    put_hub(monkeypatch, fake)
    train = list(load_text("openwebtext", "train", subset_size=20, data_dir=tmp_path))
    assert fake.rows_read < 40
    validation = list(load_text("openwebtext", "validation", subset_size=5, data_dir=tmp_path))
    assert (len(train), len(validation)) == (20, 5)
    assert not set(train) & set(validation)
    assert train == list(load_text("openwebtext", "train", data_dir=tmp_path))[:20]


def test_a_stream_that_breaks_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_hub(monkeypatch, FakeHub({"train": ["a", "b", "BREAK"]}))
    with pytest.raises(DataError, match=r"could not be read: ConnectionError: the line broke$"):
        load_text("openwebtext", "train", data_dir=tmp_path)
    left = [
        path.name
        for path in (tmp_path / "cache/raw/openwebtext").iterdir()
        if not path.name.endswith(".lock")
    ]
    assert left == []
    put_hub(monkeypatch, FakeHub({"train": ["a", "b", "c"]}))
    assert set(load_text("openwebtext", "train", data_dir=tmp_path)) <= {"a", "b", "c"}


def test_a_damaged_cache_is_set_aside_and_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_hub(monkeypatch, FakeHub({"test": ["v"], "train": ["a", "b"]}, column="textbook"))
    expected = list(load_text("tiny-textbooks", "train", data_dir=tmp_path))
    path = tmp_path / "cache/raw/tiny-textbooks/train.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"x"'))
    assert list(load_text("tiny-textbooks", "train", data_dir=tmp_path)) == expected == ["a", "b"]
    assert path.with_name("train.jsonl.damaged").is_file()


def test_rows_come_through_the_datasets_library_as_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real `datasets`, with a local file in the hub's place."""
    import datasets

    write_jsonl(tmp_path / "rows.jsonl", ["one", "two", "three"])
    real = datasets.load_dataset

    def local(hub_id: str, config: str | None, *, split: str, streaming: bool) -> Any:
        assert (hub_id, config, streaming) == ("Salesforce/wikitext", "wikitext-2-raw-v1", True)
        files = {split: str(tmp_path / "rows.jsonl")}
        return real(
            "json", data_files=files, split=split, streaming=streaming, cache_dir=str(tmp_path / "hf")
        )

    monkeypatch.setattr(hub, "require_hub", lambda: None)
    monkeypatch.setattr(datasets, "load_dataset", local)
    path = hub_cache.fetch_split(spec("wikitext2"), "validation", 2)
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["one", "two"]


def test_every_split_of_a_hub_set_has_a_source() -> None:
    for entry in (
        spec(name) for name in ("tinystories", "tiny-textbooks", "tiny-codes", "openwebtext", "wikitext2")
    ):
        assert "train" in entry.hub_splits
        assert all(split in entry.hub_splits or split == "validation" for split in entry.splits)
        with pytest.raises(AttributeError):
            entry.name = "other"  # type: ignore[misc]
    assert replace(spec("tinystories"), held_out=0.5).held_out == 0.5


def test_the_embedded_stories_need_nothing(tmp_path: Path) -> None:
    stories = load_text("storybook", "train", subset_size=20, data_dir=tmp_path)
    assert len(set(stories)) == len(stories) == 20
    assert list(stories) == list(load_text("storybook", "train", subset_size=20, data_dir=tmp_path))
    assert list(stories) != list(load_text("storybook", "train", subset_size=20, data_dir=tmp_path, seed=1))
    assert not set(stories) & set(load_text("storybook", "validation", subset_size=20, data_dir=tmp_path))
