"""Image sets on the command line: listed, shown, and refused where text is wanted."""

from pathlib import Path

import pytest
from mldata import registry
from mldata.__main__ import main
from mldata.errors import UnknownDatasetError
from mldata.images.description import drawn
from mldata.text import load_text


@pytest.fixture(autouse=True)
def _no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")


def test_the_registry_knows_every_kind() -> None:
    assert registry.names("images") == ["cifar10", "digits", "fashion_mnist", "mnist", "shapes"]
    assert registry.names() == sorted(
        name for kind in ("text", "images", "labelled_text") for name in registry.names(kind)
    )
    for name in registry.names("images"):
        entry = registry.spec(name, kind="images")
        assert entry.splits == ("train", "validation", "test")
        assert len(entry.classes) == 10
        is_fetched = len(entry.sha256) == 4 and len(entry.mirrors) >= 2
        assert entry.is_embedded or is_fetched or name == "cifar10", "CIFAR-10 is read where it lies"


def test_list_says_where_image_sets_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path))
    assert main(["list"]) == 0
    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith("│")}
    assert "embedded" in lines["digits"]
    assert "local" in lines["mnist"]
    assert "download" in lines["fashion_mnist"]


def test_show_gives_counts_statistics_and_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "digits", "--split", "test", "--documents", "2"]) == 0
    printed = capsys.readouterr().out
    assert "360 of 28 x 28 x 1 in 'test'" in printed
    assert "per class:    0: 3" in printed
    assert "mean:         0.1" in printed
    assert printed.count("-" * 40) == 2
    assert "@@" in printed
    assert "hub_splits" not in printed


def test_show_without_pictures_opens_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "fashion_mnist", "--documents", "0"]) == 0
    assert "Ankle boot" in capsys.readouterr().out


def test_a_drawing_has_a_character_for_two_pixels() -> None:
    import torch

    image = torch.zeros(5, 4, 3, dtype=torch.uint8)
    image[:2, 1] = 255
    image[2, 2] = 128
    assert drawn(image) == [" @", "  :"]
    assert drawn(image[:1]) == [" @"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["prepare", "mnist"], 2, "data set 'mnist' holds images, not text"),
        (["coverage", "gpt2", "digits"], 2, "data set 'digits' holds images, not text"),
        (["train-tokenizer", "mnist", "--name", "x"], 2, "data set 'mnist' holds images, not text"),
        (["show", "mnits"], 2, "did you mean 'mnist'"),
        (["show", "mnist"], 3, "HF_HUB_OFFLINE is set"),
        (["show", "digits", "--split", "valid"], 3, "did you mean 'validation'"),
    ],
)
def test_mistakes_leave_a_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert main(arguments) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def test_text_is_not_read_from_an_image_set() -> None:
    with pytest.raises(UnknownDatasetError, match="holds images, not text; of text there are: classic_books"):
        load_text("mnist")
