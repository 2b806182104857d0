"""The forms of CIFAR-10 and of trees of pictures, against torchvision's reader, Pillow, and files that mean harm."""

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from mldata.errors import DataError
from mldata.images.loading import load_images
from mldata.images.restricted_pickle import read_pickled_arrays
from PIL import Image
from torchvision.datasets import CIFAR10

STEMS = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def batch(number: int, rows: int = 4) -> tuple[np.ndarray, list[int]]:
    """Rows (N, 3072) as the official files have them, and labels."""
    chance = np.random.default_rng(number)
    return chance.integers(0, 256, (rows, 3072), dtype=np.uint8), [(number + i) % 10 for i in range(rows)]


def write_pickled(folder: Path, protocol: int = 2) -> Path:
    folder.mkdir(parents=True)
    for number, stem in enumerate(STEMS):
        data, labels = batch(number)
        content = {"batch_label": b"x", "labels": labels, "data": data, "filenames": [b"a"] * 4}
        (folder / stem).write_bytes(pickle.dumps(content, protocol=protocol))
    return folder


def write_binary(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number, stem in enumerate(STEMS):
        data, labels = batch(number)
        rows = (bytes([label]) + row.tobytes() for label, row in zip(labels, data, strict=True))
        (folder / f"{stem}.bin").write_bytes(b"".join(rows))
    return folder


class LocalCifar10(CIFAR10):
    """torchvision's reader, told the checksums of our files."""

    def __init__(self, root: Path, *, train: bool) -> None:
        folder = root / self.base_folder
        (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}, protocol=2))
        sums = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        self.train_list = [[stem, sums[stem]] for stem in STEMS[:5]]
        self.test_list = [[STEMS[5], sums[STEMS[5]]]]
        self.meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
        super().__init__(str(root), train=train)


@pytest.mark.parametrize("split", ["train", "test"])
def test_pickled_batches_are_read_as_torchvision_reads_them(tmp_path: Path, split: str) -> None:
    write_pickled(tmp_path / "cifar-10-batches-py")
    found = load_images("cifar10", split, data_dir=tmp_path, train_fraction=1.0)
    theirs = LocalCifar10(tmp_path, train=split == "train")
    assert np.array_equal(found.images.numpy(), theirs.data)
    assert found.labels.tolist() == theirs.targets
    assert found.classes[3] == "cat"
    assert found.name == "cifar10"


def test_binary_and_pickled_batches_hold_the_same_images(tmp_path: Path) -> None:
    write_pickled(tmp_path / "a" / "cifar10", protocol=5)
    write_binary(tmp_path / "b" / "cifar10" / "cifar-10-batches-bin")
    first, second = (load_images("cifar10", "test", data_dir=tmp_path / name) for name in "ab")
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_arrays_survive_every_protocol(tmp_path: Path, protocol: int) -> None:
    content = {
        "c": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "f": np.asfortranarray(np.eye(3)),
        "n": [1, "é", None],
    }
    path = tmp_path / "p"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    found = read_pickled_arrays(path)
    assert np.array_equal(found["c"], content["c"])
    assert np.array_equal(found["f"], content["f"])
    assert found["n"] == content["n"] or found["n"][1] != "é"  # protocols below 3 have text as bytes


def test_text_as_python_2_wrote_it_is_text(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(
        b"\x80\x02}U\x04dataK\x05s."
    )  # PROTO 2, EMPTY_DICT, SHORT_BINSTRING "data", BININT1 5, SETITEM
    assert read_pickled_arrays(path) == {"data": 5}


class Harmful:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> Any:
        return self.call, self.arguments


@pytest.mark.parametrize("place", ["whole", "inside"])
def test_a_pickle_that_wants_to_run_something_is_refused_and_runs_nothing(tmp_path: Path, place: str) -> None:
    victim = tmp_path / "victim"
    for call, arguments in (
        (os.mkdir, (str(victim),)),
        (eval, (f"__import__('os').mkdir({str(victim)!r})",)),
    ):
        harmful: Any = Harmful(call, *arguments)
        content = harmful if place == "whole" else {b"data": harmful, b"labels": []}
        path = tmp_path / "data_batch_1"
        path.write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(DataError, match=r"it asks for (posix|nt|builtins|__builtin__)\."):
            read_pickled_arrays(path)
        assert not victim.exists()


def test_arrays_of_objects_and_torn_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(pickle.dumps({"data": np.array([{}], dtype=object)}, protocol=2))
    with pytest.raises(DataError, match=r"array of objects|numbers of type"):
        read_pickled_arrays(path)
    whole = pickle.dumps({"data": np.zeros(100, dtype=np.uint8)}, protocol=2)
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="cannot be read"):
            read_pickled_arrays(path)


def test_damaged_batches_name_the_file(tmp_path: Path) -> None:
    folder = write_binary(tmp_path / "cifar10")
    (folder / "data_batch_2.bin").write_bytes(b"x" * 3072)
    with pytest.raises(DataError, match=r"data_batch_2\.bin has 3,072 bytes"):
        load_images("cifar10", data_dir=tmp_path)
    (folder / "data_batch_2.bin").unlink()
    with pytest.raises(DataError, match=r"5 of the six batches; data_batch_2\.bin is missing"):
        load_images("cifar10", data_dir=tmp_path)


def write_parquet(folder: Path, form: str) -> np.ndarray:
    """Twelve pictures; returns what Pillow makes of the encoded bytes."""
    folder.mkdir(parents=True)
    chance, decoded = np.random.default_rng(0), []
    for part in ("train", "test"):
        rows = []
        for _ in range(12):
            buffer = io.BytesIO()
            smooth = np.kron(
                chance.integers(0, 256, (4, 4, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8)
            )
            Image.fromarray(smooth).save(buffer, format=form)
            rows.append({"bytes": buffer.getvalue(), "path": None})
            decoded.append(np.asarray(Image.open(buffer)))
        table = pa.table({"img": rows, "label": [i % 3 for i in range(12)]})
        pyarrow.parquet.write_table(table, folder / f"{part}.parquet")
    return np.stack(decoded)


@pytest.mark.parametrize(("form", "label"), [("PNG", "pictures"), ("JPEG", "pictures (JPEG copy)")])
def test_parquet_pictures_are_pillows_and_a_copy_with_losses_says_so(
    tmp_path: Path, form: str, label: str
) -> None:
    decoded = write_parquet(tmp_path / "pictures", form)
    for attempt in range(2):  # the second from the cache
        found = load_images("pictures", "train", data_dir=tmp_path, train_fraction=1.0)
        assert np.array_equal(found.images.numpy(), decoded[:12]), attempt
        assert found.labels.tolist() == [i % 3 for i in range(12)]
        assert found.name == label
        assert found.classes == ("0", "1", "2")


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    decoded = write_parquet(tmp_path / "pictures", "PNG")
    load_images("pictures", "test", data_dir=tmp_path)
    kept = sorted((tmp_path / "cache").rglob("*.npy"))
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(load_images("pictures", "test", data_dir=tmp_path).images.numpy(), decoded[12:])


@pytest.mark.data
def test_the_jpeg_copy_of_cifar10_is_found_and_labelled(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLDATA_DIR", str(data_dir))
    found = load_images("cifar10", "test")
    assert found.name == "cifar10 (JPEG copy)"
    assert found.image_shape == (32, 32, 3)
    assert found.class_counts() == [1000] * 10
    first = pyarrow.parquet.read_table(data_dir / "cifar10_jpeg" / "test.parquet").slice(0, 1).to_pylist()[0]
    assert np.array_equal(found.images[0].numpy(), np.asarray(Image.open(io.BytesIO(first["img"]["bytes"]))))
    assert int(found.labels[0]) == first["label"]


def write_tree(folder: Path, size: tuple[int, int] = (6, 5)) -> None:
    for part in ("train", "test"):
        for shade, name in ((10, "cold"), (200, "warm")):
            (folder / part / name).mkdir(parents=True)
            for number in range(3):
                picture = Image.new("RGB", size, (shade + number, shade, 0))
                picture.save(folder / part / name / f"{number}.png")


def test_a_tree_of_pictures_is_a_data_set(tmp_path: Path) -> None:
    write_tree(tmp_path / "weather")
    found = load_images("weather", "train", data_dir=tmp_path, train_fraction=1.0)
    assert found.classes == ("cold", "warm")
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.images[:, 0, 0, 0].tolist() == [10, 11, 12, 200, 201, 202]
    assert found.image_shape == (5, 6, 3)


def test_faults_of_a_tree_of_pictures_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path / "weather")
    Image.new("RGB", (7, 5)).save(tmp_path / "weather" / "train" / "warm" / "9.png")
    with pytest.raises(DataError, match=r"9\.png is 7 × 5 pixels, the first is 6 × 5"):
        load_images("weather", data_dir=tmp_path)
    (tmp_path / "weather" / "train" / "warm" / "9.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        load_images("weather", data_dir=tmp_path)
    (tmp_path / "weather" / "test" / "hot").mkdir()
    with pytest.raises(DataError, match=r"class 'hot' that .*train has not"):
        load_images("weather", "test", data_dir=tmp_path)


def test_missing_cifar10_is_two_lines_that_name_the_way_without_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path))
    with pytest.raises(DataError) as caught:
        load_images("cifar10")
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert "cifar-10-batches-bin" in lines[0]
    assert "shapes" in lines[1]


def test_no_image_is_changed_by_being_read(tmp_path: Path) -> None:
    write_tree(tmp_path / "weather")
    images = load_images("weather", "test", data_dir=tmp_path).images
    assert images.dtype == torch.uint8
    assert images.is_contiguous()
