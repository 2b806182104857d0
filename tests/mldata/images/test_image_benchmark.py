"""The benchmark of image loading: it compares the same images, and counts what it says it counts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mldata.command_line import run
from mldata.errors import DataError
from mldata.images.benchmark import Comparison, TorchvisionFolder, app, compared, consume, train
from mldata.images.dataset import ImageDataset
from torchvision.transforms import ToTensor


def some_images(num: int = 24, channels: int = 1) -> ImageDataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (num, 28, 28, channels), dtype=torch.uint8, generator=generator)
    labels = torch.arange(num) % 10
    return ImageDataset("noise", "train", images, labels, tuple("0123456789"), torch.arange(num))


def test_torchvision_reads_the_very_same_images(tmp_path: Path) -> None:
    dataset = some_images()
    loader = TorchvisionFolder(dataset, tmp_path).loader([ToTensor()], 10, 0, shuffle=False)
    images, labels = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert torch.equal((255 * images).round().to(torch.uint8), dataset.images.permute(0, 3, 1, 2))
    assert torch.equal(labels, dataset.labels)


def test_torchvisions_class_reads_no_colours(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not grey"):
        TorchvisionFolder(some_images(channels=3), tmp_path)


def test_both_ways_normalise_alike(tmp_path: Path) -> None:
    assert Comparison(some_images(600), tmp_path, 1).largest_difference() < 1e-6


def test_ratios_are_those_of_the_medians_and_ranges_those_of_the_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = {"torchvision": [4.0, 8.0, 6.0], "image_batches": [2.0, 1.0, 3.0]}
    monkeypatch.setattr("mldata.images.benchmark.in_turns", lambda sides, repeats: seconds)
    found = compared({"torchvision": lambda: None, "image_batches": lambda: None}, 12, 3)
    assert found["median_seconds"] == {"torchvision": 6.0, "image_batches": 2.0}
    assert found["images_per_s"] == {"torchvision": 2.0, "image_batches": 6.0}
    assert found["ratio"] == {"torchvision": 3.0}
    assert found["ratio_range"] == {"torchvision": [2.0, 8.0]}


def test_a_training_epoch_takes_every_batch_and_learns(tmp_path: Path) -> None:
    batches, sizes = Comparison(some_images(40), tmp_path, 1).ours(16), []

    class Counted:
        def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
            for images, labels in batches:
                sizes.append(len(labels))
                yield images, labels

    epoch = train(Counted(), 784, 10)
    first = epoch()
    assert sizes == [16, 16, 8]
    assert [epoch() for _ in range(20)][-1] < first / 2


def test_consuming_takes_every_batch() -> None:
    taken = []
    consume(taken.append(k) for k in range(4))()
    assert taken == [0, 1, 2, 3]


def test_the_command_writes_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "figures.json"
    words = [
        "--dataset",
        "digits",
        "--num-images",
        "96",
        "--num-augmented",
        "32",
        "--repeats",
        "1",
        "--workers",
        "1",
    ]
    assert run(app, [*words, "--output", str(output)], "benchmark") == 0
    figures = json.loads(output.read_text(encoding="utf-8"))
    assert figures == json.loads(capsys.readouterr().out)
    assert (figures["dataset"], figures["num_images"], figures["repeats"]) == ("digits", 96, 1)
    assert figures["largest_difference"] < 1e-6
    usual = {"torchvision", "torchvision_1_workers"}
    for what in ("data_path", "training"):
        for batch in ("batch_512", "batch_64"):
            part = figures[what][batch]
            assert set(part["ratio"]) == usual
            assert set(part["median_seconds"]) == usual | {"image_batches"}
            assert all(value > 0 for value in part["median_seconds"].values())
    for kind in ("affine_elastic", "whole_shifts"):
        part = figures["augmentation"][kind]
        assert part["num_images"] == 32
        assert set(part["ratio"]) == {"torchvision_1_workers", "image_batches_2_threads"}


def test_an_unknown_data_set_is_a_line_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(app, ["--dataset", "mnits"], "benchmark") == 2
    assert "mnist" in capsys.readouterr().err
