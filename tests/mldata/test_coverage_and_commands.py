"""What a tokenizer covers, counted by hand; and the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mldata.__main__ import main
from mldata.tokenizers import ByteBPETokenizer, WordTokenizer, load_tokenizer, measure_coverage


def test_coverage_is_what_counting_by_hand_gives() -> None:
    tokenizer = ByteBPETokenizer.train(["dog dog dog dog"], 260)  # merges: "og", "dog", " dog"
    assert [len(tokenizer.encode(word)) for word in (" dog", " cat", " a")] == [1, 4, 2]
    measured = measure_coverage(tokenizer, ["dog dog", "cat a"], most=4)
    assert measured.words_within == {1: 2 / 4, 2: 3 / 4, 3: 3 / 4, 4: 4 / 4}
    assert measured.distinct_words_within == {1: 1 / 3, 2: 2 / 3, 3: 2 / 3, 4: 1.0}
    assert (measured.num_words, measured.num_distinct_words, measured.num_documents) == (4, 3, 2)
    assert measured.num_tokens == 2 + 5
    assert measured.bytes_per_token == pytest.approx(12 / 7)
    assert measured.tokens_per_word == pytest.approx((1 + 1 + 4 + 2) / 4)
    assert (measured.unknown_rate, measured.round_trip_rate) == (0.0, 1.0)


def test_unknown_words_and_lost_texts_are_counted() -> None:
    tokenizer = WordTokenizer.train(["the dog the dog"], 5)
    measured = measure_coverage(tokenizer, ["the dog", "the cat"])
    assert measured.unknown_rate == pytest.approx(1 / 4)
    assert measured.round_trip_rate == 0.5
    with pytest.raises(ValueError, match="no word"):
        measure_coverage(tokenizer, ["!"])


@pytest.mark.data
def test_tinystories_bpe_4096_covers_unseen_stories(data_dir: Path) -> None:
    from mldata import load_text

    measured = measure_coverage(
        load_tokenizer("tinystories_bpe_4096"), load_text("tinystories", "validation", data_dir=data_dir)
    )
    assert measured.words_within[1] > 0.94
    assert measured.words_within[3] > 0.99
    assert (measured.unknown_rate, measured.round_trip_rate) == (0.0, 1.0)


@pytest.fixture
def local_stories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "tinystories"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_text("the dog ran<|endoftext|>the dog sat<|endoftext|>")
    (folder / "validation.txt").write_text("the dog hid<|endoftext|>")
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ASSETS_DIR", str(tmp_path / "assets"))
    (tmp_path / "assets" / "models" / "tokenizers").mkdir(parents=True)
    return tmp_path


def test_list_names_every_data_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mldata import names

    monkeypatch.setenv("COLUMNS", "160")
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in names())


def test_show_prints_the_entry_and_a_document(
    local_stories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "tinystories", "--documents", "2"]) == 0
    printed = capsys.readouterr().out
    assert "roneneldan/TinyStories" in printed
    assert "the dog sat" in printed


def test_a_tokenizer_is_trained_measured_and_used_from_the_command_line(
    local_stories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "train-tokenizer",
        "tinystories",
        "--kind",
        "byte_bpe",
        "--vocab-size",
        "261",
        "--name",
        "tiny",
    ]
    assert main(command) == 0
    metadata = json.loads((local_stories / "assets/models/tokenizers/tiny/metadata.json").read_text())
    assert metadata["command"].split()[3:5] == command[:2]
    assert set(command) < set(metadata["command"].split())
    assert metadata["trained_on"]["num_documents"] == 2
    assert main(["prepare", "tinystories", "--tokenizer", "tiny"]) == 0
    assert "2 documents, 22 bytes" in capsys.readouterr().out
    assert list((local_stories / "cache/processed/tinystories").glob("train-*/tokens.bin"))
    assert main(["coverage", "tiny", "tinystories", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["round_trip_rate"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "tinystorys"], 2, "did you mean 'tinystories'"),
        (["prepare", "tinystories", "--tokenizer", "nothing"], 3, "no tokenizer 'nothing'"),
        (["prepare", "tinystories", "--tokenizer", "../x"], 2, "is not allowed"),
        (["show", "openwebtext"], 3, "storybook"),
        (["train-tokenizer", "tinystories", "--name", "x", "--vocab-size", "3"], 2, "257 is the least"),
        (["train-tokenizer", "tinystories", "--name", "../x", "--vocab-size", "300"], 2, "is not allowed"),
        (["prepare"], 2, "Missing argument"),
        (["lsit"], 2, "lsit"),
    ],
)
def test_mistakes_leave_a_line_and_an_exit_code(
    local_stories: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert main(arguments) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def test_names_and_help_import_nothing_heavy() -> None:
    heavy = ("torch", "datasets", "pyarrow", "sklearn", "tokenizers", "tiktoken", "numpy")
    program = (
        "import sys, mldata.__main__, mldata; mldata.names(); "
        f"print([module for module in {heavy} if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
