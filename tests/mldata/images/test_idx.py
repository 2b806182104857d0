"""IDX files: what torchvision reads, and nothing else; whatever is damaged says so in one line."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mldata.errors import DataError
from mldata.images.idx import read_idx, read_shape, write_idx
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

DTYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]


def sample(dtype: str, shape: tuple[int, ...] = (5, 3, 4)) -> np.ndarray:
    values = np.random.default_rng(0).integers(-100, 100, size=shape)
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_is_written_is_read_again_and_torchvision_reads_the_same(
    tmp_path: Path, dtype: str, suffix: str
) -> None:
    array = sample(dtype)
    path = write_idx(tmp_path / f"values-idx3{suffix}", array)
    read = read_idx(path)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.flags.writeable
    np.testing.assert_array_equal(read, array)
    assert read_shape(path) == array.shape
    plain = tmp_path / "plain"
    plain.write_bytes(gzip.decompress(path.read_bytes()) if suffix else path.read_bytes())
    theirs = read_sn3_pascalvincent_tensor(str(plain), strict=True)
    np.testing.assert_array_equal(theirs.numpy(), array)


@pytest.mark.data
@pytest.mark.parametrize("part", ["train", "t10k"])
@pytest.mark.parametrize("what", ["images-idx3", "labels-idx1"])
def test_real_mnist_is_read_as_torchvision_reads_it(
    data_dir: Path, tmp_path: Path, part: str, what: str
) -> None:
    path = data_dir / "mnist" / f"{part}-{what}-ubyte.gz"
    (tmp_path / "plain").write_bytes(gzip.decompress(path.read_bytes()))
    theirs = read_sn3_pascalvincent_tensor(str(tmp_path / "plain"), strict=True)
    np.testing.assert_array_equal(read_idx(path), theirs.numpy())
    np.testing.assert_array_equal(read_idx(tmp_path / "plain"), theirs.numpy())


def test_the_content_not_the_name_says_whether_a_file_is_gzipped(tmp_path: Path) -> None:
    packed = write_idx(tmp_path / "a.gz", sample("uint8"))
    packed.rename(tmp_path / "a")
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), sample("uint8"))
    plain = write_idx(tmp_path / "b", sample("uint8"))
    plain.rename(tmp_path / "b.gz")
    np.testing.assert_array_equal(read_idx(tmp_path / "b.gz"), sample("uint8"))


def test_gzipped_files_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    one, two = (write_idx(tmp_path / f"{name}.gz", sample("uint8")) for name in "ab")
    assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gz", "b.gz"]


def header(magic: bytes, *sizes: int) -> bytes:
    return magic + struct.pack(f">{len(sizes)}I", *sizes)


UBYTE_3 = bytes((0, 0, 8, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\0\0\x08", "begins with 000008"),
        (b"\x89PNG\r\n\x1a\n", "begins with 89504e47, MNIST's images with 00000803"),
        (bytes((0, 0, 7, 1)), "begins with 00000701"),
        (bytes((0, 1, 8, 1)), "begins with 00010801"),
        (bytes((0, 0, 8, 0)), "states 0 dimensions"),
        (bytes((0, 0, 8, 33)), "states 33 dimensions"),
        (header(UBYTE_3, 2, 2), "cut off within its header of 16 bytes"),
        (header(UBYTE_3, 2, 2, 2) + bytes(7), "is cut off"),
        (header(UBYTE_3, 2, 2, 2) + bytes(9), "goes on behind the 8 bytes of shape (2, 2, 2)"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_no_whole_idx_file_is_refused_in_one_line(
    tmp_path: Path, content: bytes, message: str, packed: bool
) -> None:
    path = tmp_path / "values"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError) as error:
        read_idx(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("sizes", [(2**32 - 1,) * 3, (60_000, 28, 28), (2**31, 1, 1)])
def test_memory_is_not_asked_for_before_the_file_can_hold_it(
    tmp_path: Path, sizes: tuple[int, ...], packed: bool
) -> None:
    content = header(UBYTE_3, *sizes) + bytes(100)
    path = tmp_path / "values"
    path.write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="its header promises"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_size_that_overflows_64_bits_is_no_small_size(tmp_path: Path) -> None:
    path = tmp_path / "values"
    path.write_bytes(header(bytes((0, 0, 8, 4)), 65_536, 65_536, 65_536, 65_536))  # 2^64
    with pytest.raises(DataError, match="18,446,744,073,709,551,616 bytes"):
        read_idx(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*absent: No such file"):
        read_idx(tmp_path / "absent")
    with pytest.raises(DataError, match=r"cannot read .*: Is a directory"):
        read_idx(tmp_path)


def test_an_empty_array_is_a_file_of_its_own(tmp_path: Path) -> None:
    path = write_idx(tmp_path / "none", np.zeros((0, 28, 28), dtype=np.uint8))
    assert read_idx(path).shape == (0, 28, 28)


def test_types_that_the_format_has_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="IDX holds no int64; it holds uint8, int8"):
        write_idx(tmp_path / "x", np.zeros(3, dtype=np.int64))
    with pytest.raises(DataError, match="an array of 0 dimensions"):
        write_idx(tmp_path / "x", np.array(3, dtype=np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_either_byte_order_is_written_as_the_format_wants(tmp_path: Path) -> None:
    little, big = (np.array([1, 256], dtype=dtype) for dtype in ("<i4", ">i4"))
    assert (
        write_idx(tmp_path / "a", little).read_bytes()[-8:]
        == write_idx(tmp_path / "b", big).read_bytes()[-8:]
        == bytes((0, 0, 0, 1, 0, 0, 1, 0))
    )


def read_or_error(path: Path) -> tuple[np.ndarray | None, str]:
    try:
        return read_idx(path), ""
    except DataError as error:
        return None, str(error)


@pytest.mark.parametrize("packed", [False, True])
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_an_error_or_an_array_of_bytes_that_are_there(
    tmp_path: Path, packed: bool, data: st.DataObject
) -> None:
    array = sample("uint8", (6, 5, 4))
    path = write_idx(tmp_path / ("values.gz" if packed else "values"), array)
    content = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(["flip", "cut", "append", "insert"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if kind == "flip":
        content[place] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del content[place:]
    elif kind == "append":
        content += data.draw(st.binary(min_size=1, max_size=20))
    else:
        content[place:place] = data.draw(st.binary(min_size=1, max_size=20))
    path.write_bytes(content)
    read, error = read_or_error(path)
    if read is None:
        assert str(path) in error
        assert "\n" not in error
        return
    if packed:  # gzip's own checksum: what is read is what was written
        np.testing.assert_array_equal(read, array)
    else:
        assert kind in ("flip", "insert")
        assert read.nbytes <= len(content)
