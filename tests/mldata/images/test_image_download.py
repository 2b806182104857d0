"""Image files from mirrors on the loopback: broken ones are passed over, nothing half is ever left behind."""

import errno
import hashlib
import io
import random
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from loopback_mirrors import (
    Answer,
    Mirrors,
    corrupt,
    cut_at,
    endless,
    error,
    nonsense,
    page,
    redirect_to_a_file,
    whole,
)
from mldata import load_images, registry
from mldata.errors import DataError
from mldata.images import download, write_idx_folder
from mldata.images.download import DownloadError, download_folder, fetch_files

NAME = "train-images-idx3-ubyte.gz"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    images = np.random.default_rng(0).integers(0, 256, size=(30, 9, 9), dtype=np.uint8)
    labels = np.arange(30) % 10
    folder = write_idx_folder(tmp_path / "original", (images, labels), (images[:10], labels[:10]))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def mirrors(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    monkeypatch.setenv("MLDATA_DIR", str(tmp_path / "nowhere"))
    served = Mirrors(files)
    yield served
    served.server.shutdown()
    served.server.server_close()


def entry(files: dict[str, bytes], *urls: str) -> registry.DatasetSpec:
    """MNIST's entry with other files and mirrors."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return replace(registry.spec("mnist"), sha256=MappingProxyType(sums), mirrors=urls)


def assert_fetched(folder: Path, files: dict[str, bytes]) -> None:
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}
    assert found == files


@pytest.mark.parametrize(
    "broken",
    [
        error(404),
        error(503),
        corrupt,
        page,
        cut_at(20),
        cut_at(20, told=False),
        cut_at(0, told=False),
        redirect_to_a_file,
        nonsense,
    ],
)
def test_a_mirror_that_fails_is_passed_over(
    mirrors: Mirrors, files: dict[str, bytes], broken: Answer
) -> None:
    spec = entry(files, mirrors.url("one", broken), mirrors.url("two", whole))
    folder = fetch_files(spec)
    assert folder == download_folder("mnist")
    assert_fetched(folder, files)
    assert mirrors.asked == [f"/{mirror}/{name}" for name in files for mirror in ("one", "two")]


def test_a_download_cut_anywhere_ends_identical(mirrors: Mirrors, files: dict[str, bytes]) -> None:
    chance = random.Random(0)
    small = {NAME: files[NAME]}
    for number in range(200):
        cut = cut_at(chance.randrange(len(files[NAME])), told=bool(number % 2))
        folder = fetch_files(entry(small, mirrors.url("one", cut), mirrors.url("two", whole)))
        assert_fetched(folder, small)
        (folder / NAME).unlink()


def test_an_endless_answer_is_cut_off(
    mirrors: Mirrors, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LARGEST_BYTES", 200_000)
    with pytest.raises(DownloadError, match="more than 200,000 bytes"):
        fetch_files(entry(files, mirrors.url("one", endless)))
    assert_fetched(download_folder("mnist"), {})


def test_a_mirror_that_drips_or_stalls_is_given_up(
    mirrors: Mirrors, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "FILE_WITHIN_S", -1.0)
    with pytest.raises(DownloadError, match="not done after"):
        fetch_files(entry(files, mirrors.url("one", whole)))
    monkeypatch.undo()
    monkeypatch.setattr(download, "ANSWER_WITHIN_S", 0.2)
    released = threading.Event()
    stalled = mirrors.url("one", lambda _handler, _content: released.wait(20) and None)
    try:
        with pytest.raises(DownloadError, match="timed out"):
            fetch_files(entry({NAME: files[NAME]}, stalled))
    finally:
        released.set()


def test_what_is_there_stays_and_what_is_damaged_is_fetched_again(
    mirrors: Mirrors, files: dict[str, bytes]
) -> None:
    spec = entry(files, mirrors.url("one", whole))
    folder = fetch_files(spec)
    mirrors.asked.clear()
    assert fetch_files(spec) == folder
    assert mirrors.asked == []
    (folder / NAME).write_bytes(files[NAME][:-1] + b"x")
    (folder / f".{NAME}.part").write_bytes(b"of a process that died")
    fetch_files(spec)
    assert mirrors.asked == [f"/one/{NAME}"]
    assert_fetched(folder, files)


def test_two_at_once_fetch_once(mirrors: Mirrors, files: dict[str, bytes]) -> None:
    spec = entry(files, mirrors.url("one", whole))
    threads = [threading.Thread(target=fetch_files, args=(spec,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(mirrors.asked) == sorted(f"/one/{name}" for name in files)
    assert_fetched(download_folder("mnist"), files)


def test_loading_fetches_once_and_then_needs_no_network(
    mirrors: Mirrors, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = entry(files, mirrors.url("one", whole))
    monkeypatch.setattr(registry, "_BY_NAME", {**registry._BY_NAME, "mnist": spec})
    dataset = load_images("mnist", "test")
    assert (len(dataset), dataset.source) == (10, str(download_folder("mnist")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert len(load_images("mnist", "train")) == 24
    assert len(mirrors.asked) == 4


def test_without_network_two_lines_say_what_was_sought_where_and_what_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], mirrors: Mirrors
) -> None:
    mirrors.server.shutdown()
    mirrors.server.server_close()  # from now on nobody listens there
    closed = mirrors.url("one", whole)
    monkeypatch.setattr(registry, "_BY_NAME", {**registry._BY_NAME, "mnist": entry(files, closed)})
    with pytest.raises(DataError) as caught:
        load_images("mnist", data_dir=tmp_path / "given")
    first, second = str(caught.value).split("\n")
    for place in (tmp_path / "given", tmp_path / "nowhere" / "mnist", download_folder("mnist")):
        assert str(place) in first
    assert first.startswith("data set 'mnist'")
    assert re.search(r"no mirror gave .*-ubyte.gz \(127.0.0.1:\d+: .*refused", first)
    assert "digits" in second
    assert "quickstart.yaml" in second


def test_told_to_stay_offline_nothing_is_asked(
    mirrors: Mirrors, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "true")
    with pytest.raises(DownloadError, match="HF_DATASETS_OFFLINE is set"):
        fetch_files(entry(files, mirrors.url("one", whole)))
    assert mirrors.asked == []


def test_only_web_addresses_are_opened(files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="no web address"):
        fetch_files(entry(files, (tmp_path / "original").as_uri()))


def test_a_cache_that_cannot_be_written_is_named(
    mirrors: Mirrors, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLDATA_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="file/raw/mnist cannot be written: Not a directory"):
        fetch_files(entry(files, mirrors.url("one", whole)))


def test_a_full_disk_is_not_the_mirrors_fault_and_leaves_nothing(
    mirrors: Mirrors, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    urls = mirrors.url("one", whole), mirrors.url("two", whole)
    with pytest.raises(DownloadError, match="cannot be written: No space left on device"):
        fetch_files(entry({NAME: files[NAME]}, *urls))
    assert mirrors.asked == [f"/one/{NAME}"]
    assert_fetched(download_folder("mnist"), {})


def test_a_connection_that_breaks_inside_tls_is_the_mirrors_fault(
    files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            raise ssl.SSLError("bad record")

    monkeypatch.setattr("urllib.request.urlopen", lambda _url, timeout: Broken())
    with pytest.raises(DownloadError, match=r"no mirror gave .*one.example: .*bad record.*two.example"):
        fetch_files(entry({NAME: files[NAME]}, "https://one.example/", "https://two.example/"))


@pytest.mark.data
def test_the_table_has_the_digests_of_the_official_files(data_dir: Path) -> None:
    official_md5 = (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    )
    for (name, sha256), md5 in zip(registry.spec("mnist").sha256.items(), official_md5, strict=True):
        content = (data_dir / "mnist" / name).read_bytes()
        assert hashlib.md5(content).hexdigest() == md5
        assert hashlib.sha256(content).hexdigest() == sha256
