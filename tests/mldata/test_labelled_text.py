"""Texts with classes: splits without overlap, the owners' files read to the last row, padded batches."""

import hashlib
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from mldata.__main__ import main
from mldata.errors import DataError, UnknownDatasetError
from mldata.labelled_text import LabelledTextBatches, LabelledTexts, encode_texts, load_labelled_text
from mldata.registry import names, spec
from mldata.test_guard import ClosedSplitError
from mldata.test_guard import test_split_closed as closed
from mldata.tokenizers import CharacterTokenizer, WordTokenizer

SPLITS = ("train", "validation", "test")


def assert_disjoint_and_balanced(name: str, data_dir: Path | None = None) -> dict[str, LabelledTexts]:
    parts = {split: load_labelled_text(name, split, data_dir=data_dir) for split in SPLITS}
    for split, others in (("train", ("validation", "test")), ("validation", ("test",))):
        for other in others:
            assert not set(parts[split].texts) & set(parts[other].texts), f"{split} and {other} share a text"
    for part in parts.values():
        shares = np.array(part.class_counts()) / len(part)
        assert shares.max() - shares.min() < 0.09
        assert len(set(part.labels[: 6 * len(part.classes)])) == len(part.classes), (
            "the first are of all classes"
        )
    return parts


def test_the_embedded_stories_are_of_every_plot_and_in_one_split_only() -> None:
    parts = {split: load_labelled_text("storybook_plots", split, subset_size=300) for split in SPLITS}
    for part in parts.values():
        assert part.class_counts() == [50] * 6
        assert len(set(part.texts)) == 300
    assert not set(parts["validation"].texts) & set(parts["test"].texts)
    assert not set(parts["train"].texts) & set(parts["validation"].texts + parts["test"].texts)
    again = load_labelled_text("storybook_plots", "test", subset_size=300)
    assert again.fingerprint == parts["test"].fingerprint != parts["validation"].fingerprint


@pytest.mark.data
def test_rt_polarity_holds_every_line_once_in_one_split(data_dir: Path) -> None:
    parts = assert_disjoint_and_balanced("rt_polarity", data_dir)
    found = Counter(
        (text, label) for part in parts.values() for text, label in zip(part.texts, part.labels, strict=True)
    )
    lines = Counter()
    for label, ending in enumerate(("neg", "pos")):
        content = (data_dir / "rt_polarity" / f"rt-polarity.{ending}").read_bytes().decode("latin-1")
        lines.update((line.strip(), label) for line in content.split("\n") if line.strip())
    assert found == lines
    assert lines.total() == 10_662
    assert [len(parts[split]) / 10_662 for split in SPLITS] == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


@pytest.mark.data
def test_ag_news_without_its_training_file_is_divided_and_says_so(data_dir: Path) -> None:
    import pandas

    parts = assert_disjoint_and_balanced("ag_news", data_dir)
    assert "without train.csv" in parts["test"].source
    oracle = pandas.read_csv(data_dir / "ag_news" / "test.csv", header=None)
    assert sum(len(part) for part in parts.values()) == len(oracle) == 7_600
    counts = np.sum([part.class_counts() for part in parts.values()], axis=0)
    assert counts.tolist() == [1_900] * 4
    first = " ".join((oracle[1][0] + " " + oracle[2][0]).replace("\\", " ").split())
    (label,) = [
        label
        for part in parts.values()
        for text, label in zip(part.texts, part.labels, strict=True)
        if text == first
    ]
    assert label == oracle[0][0] - 1


def test_with_its_training_file_the_test_file_is_the_test_split(tmp_path: Path) -> None:
    folder = tmp_path / "ag_news"
    folder.mkdir()
    rows = [f'"{1 + k % 4}","Title {k}","A ""quoted"", text\\with two lines {k}"' for k in range(200)]
    (folder / "train.csv").write_text("\n".join(rows[:150]) + "\n", encoding="utf-8")
    (folder / "test.csv").write_text("\n".join(rows[150:]) + "\n", encoding="utf-8")
    parts = {split: load_labelled_text("ag_news", split, data_dir=tmp_path) for split in SPLITS}
    assert len(parts["test"]) == 50
    assert len(parts["train"]) + len(parts["validation"]) == 150
    assert 5 < len(parts["validation"]) < 30
    place = parts["test"].texts.index('Title 150 A "quoted", text with two lines 150')
    assert parts["test"].labels[place] == 150 % 4


@pytest.mark.parametrize("line", ['"5","a","b"', '"x","a","b"', "1"])
def test_a_row_that_is_none_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "ag_news").mkdir()
    (tmp_path / "ag_news" / "test.csv").write_text(f'"1","a","b"\n{line}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.csv:2"):
        load_labelled_text("ag_news", data_dir=tmp_path)


def test_missing_files_and_wrong_names_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rt-polarity\.neg") as error:
        load_labelled_text("rt_polarity", data_dir=tmp_path)
    assert len(str(error.value).splitlines()) == 2
    assert "storybook_plots" in str(error.value)
    with pytest.raises(UnknownDatasetError, match="did you mean 'rt_polarity'"):
        load_labelled_text("rt_polarty")
    with pytest.raises(UnknownDatasetError, match="holds text, not labelled_text"):
        load_labelled_text("storybook")
    with pytest.raises(DataError, match="did you mean 'validation'"):
        load_labelled_text("storybook_plots", "validaton")
    assert {"ag_news", "rt_polarity", "storybook_plots"} == set(names("labelled_text"))


def test_the_test_split_stays_shut_while_a_model_is_trained() -> None:
    with closed(), pytest.raises(ClosedSplitError, match="storybook_plots"):
        load_labelled_text("storybook_plots", "test", subset_size=1)
    assert len(load_labelled_text("storybook_plots", "test", subset_size=1)) == 1


def texts_of(lengths: list[int], split: str = "train") -> LabelledTexts:
    """Texts of so many words; the k-th begins with the word of its number."""
    texts = tuple(
        " ".join([f"w{k}", *["again"] * (length - 1)]) if length else "" for k, length in enumerate(lengths)
    )
    return LabelledTexts("made", split, texts, tuple(k % 3 for k in range(len(lengths))), ("a", "b", "c"))


@pytest.fixture
def tokenizer() -> WordTokenizer:
    return WordTokenizer.train(texts_of([5] * 40), 60)


def test_texts_are_cut_and_unknown_words_counted_and_an_empty_text_is_one_token(
    tokenizer: WordTokenizer,
) -> None:
    texts = LabelledTexts(
        "made", "train", ("w1 again AGAIN", "", "w2 strange again again"), (0, 1, 2), ("a", "b", "c")
    )
    plain = encode_texts(texts, tokenizer, max_length=3)
    assert [len(tokens) for tokens in plain.tokens] == [3, 1, 3]
    assert plain.num_truncated == 1
    assert plain.unknown_share == pytest.approx(2 / 7), "AGAIN and strange"
    assert plain.tokens[1].tolist() == [plain.pad_id]
    assert tokenizer.decode(plain.tokens[2]) == "w2<unk> again"
    lower = encode_texts(texts, tokenizer, max_length=9, lowercase=True)
    assert tokenizer.decode(lower.tokens[0]) == "w1 again again"
    assert lower.num_truncated == 0
    with pytest.raises(DataError, match="no end-of-text token"):
        encode_texts(texts, CharacterTokenizer("wagin 12", specials=["<unk>"]), max_length=3)


def test_rare_words_stay_unknown_so_that_a_model_meets_unknown_ones() -> None:
    tokenizer = WordTokenizer.train(["one two two", "two three three"], 50, min_count=2)
    assert set(tokenizer.words) == {" two", " three"}
    assert WordTokenizer.train(["one two two"], 50).vocab_size == 4


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_text_is_in_an_epoch_once_with_its_label_and_its_padding(
    tokenizer: WordTokenizer, shuffle: bool
) -> None:
    encoded = encode_texts(texts_of([1 + (7 * k) % 11 for k in range(40)]), tokenizer, max_length=8)
    batches = list(LabelledTextBatches(encoded, batch_size=6, shuffle=shuffle))
    assert len(batches) == 7
    seen = []
    for tokens, labels in batches:
        assert tokens.dtype == labels.dtype == torch.int64
        lengths = (tokens != encoded.pad_id).sum(dim=1)
        assert int(lengths.max()) == tokens.shape[1], "no batch is longer than its longest text"
        for row, length, label in zip(tokens, lengths.tolist(), labels.tolist(), strict=True):
            number = int(tokenizer.decode(row[:length].tolist()).split()[0].removeprefix("w"))
            assert row[:length].tolist() == encoded.tokens[number].tolist()
            assert label == number % 3
            seen.append(number)
    assert sorted(seen) == list(range(40))
    assert (seen == list(range(40))) == (not shuffle)


def test_shuffled_batches_hold_little_padding_and_are_others_each_epoch(tokenizer: WordTokenizer) -> None:
    generator = np.random.default_rng(0)
    encoded = encode_texts(texts_of(generator.integers(1, 40, 400).tolist()), tokenizer, max_length=40)
    shuffled = LabelledTextBatches(encoded, batch_size=8, shuffle=True, seed=3)
    padding = {
        name: sum(int((tokens == encoded.pad_id).sum()) for tokens, _ in loader)
        for name, loader in (("in order", LabelledTextBatches(encoded, batch_size=8)), ("buckets", shuffled))
    }
    assert padding["buckets"] < 0.1 * padding["in order"]
    epochs = [[rows.tolist() for rows in shuffled.steps(epoch)] for epoch in (0, 1, 0)]
    assert epochs[0] == epochs[2] != epochs[1]
    assert sorted(map(sorted, epochs[0])) != sorted(map(sorted, epochs[1])), "other texts are together"


def test_a_loader_goes_on_in_the_middle_of_an_epoch(tokenizer: WordTokenizer) -> None:
    encoded = encode_texts(texts_of([3, 5, 2, 4] * 10), tokenizer, max_length=8)
    whole, cut = (LabelledTextBatches(encoded, batch_size=4, shuffle=True, seed=1) for _ in range(2))
    whole.set_epoch(2)
    expected = list(whole)
    cut.load_state_dict({"epoch": 2, "position": 3})
    cut.set_epoch(2)
    for (tokens, labels), (other, others) in zip(expected[3:], cut, strict=True):
        assert torch.equal(tokens, other)
        assert torch.equal(labels, others)
    with pytest.raises(DataError, match="an epoch has 10 batches"):
        cut.load_state_dict({"epoch": 0, "position": 11})


def test_the_batches_of_two_ranks_together_are_those_of_one(tokenizer: WordTokenizer) -> None:
    encoded = encode_texts(texts_of([3, 5, 2, 4, 6] * 8), tokenizer, max_length=8)
    alone = LabelledTextBatches(encoded, batch_size=8, shuffle=True).steps(0)
    ranks = [
        LabelledTextBatches(encoded, batch_size=4, shuffle=True, rank=rank, world_size=2) for rank in (0, 1)
    ]
    for rows, parts in zip(alone, zip(*ranks, strict=True), strict=True):
        labels = torch.cat([labels for _, labels in parts])
        assert labels.tolist() == encoded.labels[rows].tolist()


def test_nothing_trains_on_a_test_split(tokenizer: WordTokenizer) -> None:
    encoded = encode_texts(texts_of([2, 3], "test"), tokenizer, max_length=8)
    assert len(list(LabelledTextBatches(encoded, batch_size=2))) == 1
    with pytest.raises(DataError, match="for evaluation"):
        LabelledTextBatches(encoded, batch_size=2, shuffle=True)


def test_the_split_of_a_text_follows_from_its_content_alone(tmp_path: Path) -> None:
    (tmp_path / "rt_polarity").mkdir()
    lines = {"neg": [f"bad {k}" for k in range(100)], "pos": [f"good {k}" for k in range(100)]}
    for ending, texts in lines.items():
        (tmp_path / "rt_polarity" / f"rt-polarity.{ending}").write_bytes("\n".join(texts).encode("latin-1"))
    for split in SPLITS:
        for text in load_labelled_text("rt_polarity", split, data_dir=tmp_path).texts:
            share = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
            assert ("test" if share < 0.1 else "validation" if share < 0.2 else "train") == split
    assert list(islice(load_labelled_text("rt_polarity", data_dir=tmp_path), 3)) == list(
        load_labelled_text("rt_polarity", subset_size=3, data_dir=tmp_path)
    )
    assert spec("rt_polarity").classes == ("negative", "positive")


def test_the_command_line_shows_where_labelled_texts_lie_and_what_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "storybook_plots", "--split", "validation", "--documents", "2"]) == 0
    printed = capsys.readouterr().out
    assert "storm: 80" in printed
    assert "animal_help\n" in printed
    assert load_labelled_text("storybook_plots", "validation").texts[1] in printed
    assert main(["show", "rt_polarity", "--documents", "0"]) == 0
    assert "rt-polarity.neg" in capsys.readouterr().out
