"""Where image sets are found, whatever their classes are called; what is wrong with a folder, in a line."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mldata import load_images
from mldata.errors import DataError, UnknownDatasetError, UnsafeNameError
from mldata.images import ImageDataset, write_idx, write_idx_folder
from mldata.images.idx_folder import find_idx_folder


@pytest.fixture(autouse=True)
def _no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data folder, and no network."""
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def pictures(
    num_classes: int = 3, count: int = 40, size: int = 6, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Images whose every pixel is random, and labels that have each class."""
    chance = np.random.default_rng(seed)
    images = chance.integers(0, 256, size=(count, size, size), dtype=np.uint8)
    return images, np.arange(count) % num_classes


def make(folder: Path, num_classes: int = 3, classes: list[str] | None = None) -> Path:
    return write_idx_folder(folder, pictures(num_classes), pictures(num_classes, 10, seed=1), classes)


def assert_is_made_set(dataset: ImageDataset, num_classes: int = 3) -> None:
    images, labels = pictures(num_classes)
    np.testing.assert_array_equal(dataset.images[..., 0].numpy(), images[dataset.indices])
    np.testing.assert_array_equal(dataset.labels.numpy(), labels[dataset.indices])


@pytest.mark.parametrize("name", ["mnist", "letters", "digits"])
def test_the_folder_itself_is_a_data_set(tmp_path: Path, name: str) -> None:
    dataset = load_images(name, data_dir=make(tmp_path / "my folder"))
    assert_is_made_set(dataset)
    assert (len(dataset), dataset.classes, dataset.name) == (32, ("0", "1", "2"), name)
    assert dataset.source == str(tmp_path / "my folder")
    assert len(load_images(name, "test", data_dir=str(tmp_path / "my folder"))) == 10


@pytest.mark.parametrize("place", ["mnist", "MNIST/raw", "mnist/raw"])
def test_a_data_folder_may_hold_it_in_the_usual_places(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "data" / place)
    assert_is_made_set(load_images("mnist", data_dir=tmp_path / "data"))
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path / "data"))
    assert_is_made_set(load_images("mnist"))
    assert_is_made_set(load_images("mnist", data_dir=tmp_path / "data" / Path(place).parts[0]))


def test_a_folder_of_any_name_in_the_data_folder_is_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "data" / "my-letters", classes=["alpha", "beta", "gamma"])
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path / "data"))
    assert load_images("my-letters").classes == ("alpha", "beta", "gamma")
    with pytest.raises(UnknownDatasetError, match="no data set 'my-leters'"):
        load_images("my-leters")


def test_the_nearest_place_is_taken_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "far" / "mnist", 4)
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path / "far"))
    make(tmp_path / "near" / "mnist", 3)
    assert load_images("mnist", data_dir=tmp_path / "near").num_classes == 3
    elsewhere = load_images("mnist", data_dir=tmp_path / "empty")
    assert elsewhere.num_classes == 4
    assert str(tmp_path / "far" / "mnist") in elsewhere.source
    assert f"{tmp_path / 'empty'} holds no files of it" in elsewhere.source
    assert "holds no files of it" in load_images("digits", data_dir=tmp_path / "empty").source


def test_files_may_be_unpacked_and_spelt_with_a_dot(tmp_path: Path) -> None:
    folder = make(tmp_path / "set")
    for path in list(folder.glob("*.gz")):
        plain = path.with_name(path.name.removesuffix(".gz").replace("-idx", ".idx"))
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert_is_made_set(load_images("mnist", data_dir=folder))


def test_colour_images_keep_their_channels(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, size=(20, 5, 7, 3), dtype=np.uint8)
    labels = np.arange(20) % 2
    folder = write_idx_folder(tmp_path / "set", (images, labels), (images[:4], labels[:4]))
    dataset = load_images("birds", data_dir=folder, train_fraction=1.0)
    np.testing.assert_array_equal(dataset.images.numpy(), images)
    means, deviations = dataset.channel_statistics()
    np.testing.assert_allclose(means, (images / 255).mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(deviations, (images / 255).std(axis=(0, 1, 2)))


def test_fashion_has_its_names_and_mnist_its_digits(tmp_path: Path) -> None:
    assert load_images("fashion_mnist", data_dir=make(tmp_path / "a", 10)).classes[9] == "Ankle boot"
    assert load_images("mnist", data_dir=make(tmp_path / "b", 10)).classes == tuple("0123456789")
    assert load_images("fashion_mnist", data_dir=make(tmp_path / "c", 4)).classes == tuple("0123")


@pytest.mark.data
@pytest.mark.parametrize("name", ["fashion_mnist", "digits"])
def test_a_folder_of_another_known_set_is_not_taken_for_this_one(data_dir: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"mnist holds the data set 'mnist', not '{name}'"):
        load_images(name, data_dir=data_dir / "mnist")
    assert load_images("my_own_name", "test", data_dir=data_dir / "mnist").name == "my_own_name"


def replaced(folder: Path, name: str, array: np.ndarray) -> Path:
    write_idx(folder / f"{name}.gz", array)
    return folder


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (
            "train-labels-idx1-ubyte",
            np.arange(40, dtype=np.uint8) % 3 + 1,
            "from 1 to 3; they must be 0 to 2",
        ),
        ("train-labels-idx1-ubyte", np.arange(40, dtype=np.uint8) % 2 * 2, "2 different labels from 0 to 2"),
        ("train-labels-idx1-ubyte", np.zeros(39, dtype=np.uint8), "40 images, the file of labels 39"),
        ("train-labels-idx1-ubyte", np.zeros((40, 1), dtype=np.uint8), "of shape (40, 1), not labels"),
        (
            "train-labels-idx1-ubyte",
            np.zeros(40, dtype=np.float32),
            "holds float32 of shape (40,), not labels",
        ),
        ("train-images-idx3-ubyte", np.zeros((40, 36), dtype=np.uint8), "not images of bytes"),
        ("train-images-idx3-ubyte", np.zeros((40, 6, 6), dtype=np.float32), "not images of bytes"),
        ("train-images-idx3-ubyte", np.zeros((40, 0, 6), dtype=np.uint8), "not images of bytes"),
    ],
)
def test_files_that_do_not_fit_together_are_refused_in_one_line(
    tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    folder = replaced(make(tmp_path / "set"), name, array)
    with pytest.raises(DataError) as error:
        load_images("mnist", data_dir=folder)
    assert message in str(error.value)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_test_part_of_other_images_or_classes_is_refused(tmp_path: Path) -> None:
    folder = replaced(make(tmp_path / "a"), "t10k-labels-idx1-ubyte", np.full(10, 3, dtype=np.uint8))
    with pytest.raises(DataError, match="has the label 3, which no train image has"):
        load_images("mnist", "train", data_dir=folder)
    folder = replaced(make(tmp_path / "b"), "t10k-images-idx3-ubyte", np.zeros((10, 5, 6), dtype=np.uint8))
    with pytest.raises(DataError, match=r"images of \(5, 6\), the train files of \(6, 6\)"):
        load_images("mnist", "test", data_dir=folder)


@pytest.mark.parametrize("missing", ["train-images-idx3", "t10k-labels-idx1"])
def test_a_folder_with_some_of_the_files_says_which_is_missing(tmp_path: Path, missing: str) -> None:
    folder = make(tmp_path / "mnist")
    (folder / f"{missing}-ubyte.gz").unlink()
    for place in (folder, tmp_path):
        with pytest.raises(DataError, match=rf"3 of the four IDX files; {missing}-ubyte\[.gz\] is missing"):
            load_images("mnist", data_dir=place)
    assert find_idx_folder(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb\n", "has 2 different names; the labels have 3 classes"),
        ("a\nb\nb\n", "has 2 different names"),
        (b"\xff\xfe\x00", "cannot read"),
    ],
)
def test_class_names_that_do_not_fit_are_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    folder = make(tmp_path / "set")
    (folder / "classes.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        load_images("mnist", data_dir=folder)


@pytest.mark.parametrize("listed_in", ["set", "."])
def test_a_listed_checksum_is_checked(tmp_path: Path, listed_in: str) -> None:
    folder = make(tmp_path / "set")
    name = "train-images-idx3-ubyte.gz"
    root = tmp_path / listed_in
    relative = (folder / name).relative_to(root)
    (root / "SHA256SUMS").write_text(f"{'0' * 64}  ./{relative.as_posix()}\n")
    with pytest.raises(DataError, match="is damaged or another version"):
        load_images("mnist", data_dir=folder)
    assert len(load_images("mnist", "test", data_dir=folder)) == 10


def test_other_kinds_and_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownDatasetError, match="'storybook' holds text, not images; of images there are: cifar10, digits"
    ):
        load_images("storybook")
    with pytest.raises(UnknownDatasetError, match="did you mean 'mnist'"):
        load_images("mnits")
    with pytest.raises((UnsafeNameError, UnknownDatasetError)):
        load_images("../mnist", data_dir=make(tmp_path / "mnist").parent / "x")


def test_a_set_that_does_not_fit_is_not_written(tmp_path: Path) -> None:
    images, labels = pictures()
    with pytest.raises(DataError, match="labels go from 0 to 300"):
        write_idx_folder(tmp_path / "a", (images, labels * 150), (images, labels))
    with pytest.raises(DataError, match="they must be 0 to 2, without a gap"):
        write_idx_folder(tmp_path / "b", (images, labels + 1), (images, labels))


def test_a_subset_keeps_what_belongs_together_and_refuses_other_positions() -> None:
    whole = load_images("digits", "test")
    part = whole.subset([3, 3, 0])
    assert torch.equal(part.images, whole.images[[3, 3, 0]])
    assert part.labels.tolist() == [whole.labels[i] for i in (3, 3, 0)]
    assert part.indices.tolist() == [3, 3, 0]
    assert (part.split, part.classes) == ("test", whole.classes)
    assert whole.subset(np.array([1])).fingerprint == whole.subset(torch.tensor([1])).fingerprint
    assert whole.subset([1]).fingerprint != whole.subset([2]).fingerprint
    assert len(whole.subset([])) == 0
    for positions in ([360], [-1]):
        with pytest.raises(ValueError, match="the set has 360 images"):
            whole.subset(positions)
    with pytest.raises(ValueError, match="truth values"):
        whole.subset(whole.labels == 1)


def test_a_set_that_makes_no_sense_cannot_be_built() -> None:
    images, labels = torch.zeros(2, 3, 3, 1, dtype=torch.uint8), torch.tensor([0, 1])

    def build(**changes: object) -> ImageDataset:
        fields = {"images": images, "labels": labels, "classes": ("a", "b"), "indices": torch.arange(2)}
        return ImageDataset("x", "train", **{**fields, **changes})  # type: ignore[arg-type]

    assert build().class_counts() == [1, 1]
    with pytest.raises(DataError, match=r"must be \(N, H, W, C\) uint8"):
        build(images=images.float())
    with pytest.raises(DataError, match=r"must be \(N, H, W, C\) uint8"):
        build(images=images[..., 0])
    with pytest.raises(DataError, match=r"labels of 'x' are \(1,\)"):
        build(labels=labels[:1])
    with pytest.raises(DataError, match=r"indices of 'x' are .*float32"):
        build(indices=torch.arange(2).float())
    with pytest.raises(DataError, match="labels of 'x' go from 0 to 1; 1 classes have 0 to 0"):
        build(classes=("a",))
    with pytest.raises(DataError, match="no pixel"):
        build().subset([]).channel_statistics()


def test_the_fingerprint_is_of_content_not_of_place(tmp_path: Path) -> None:
    one = load_images("mnist", data_dir=make(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert load_images("letters", data_dir=tmp_path / "b").fingerprint == one.fingerprint
    (tmp_path / "b" / "classes.txt").write_text("x\ny\nz\n")
    assert load_images("letters", data_dir=tmp_path / "b").fingerprint != one.fingerprint
