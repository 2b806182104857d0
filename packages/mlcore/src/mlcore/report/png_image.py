"""Just enough of PNG to know that a file is whole, and how large its picture is (PNG, ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a whole PNG.

    Every chunk's checksum is compared, so that a file that was cut off or changed is not shown as half a picture.

    Raises:
        ValueError: `content` is no PNG, or a damaged one.
    """
    if not content.startswith(SIGNATURE):
        raise ValueError("not a PNG")
    size, position, kind = None, len(SIGNATURE), b""
    while kind != b"IEND":
        header = content[position : position + 8]
        if len(header) < 8:
            raise ValueError("a PNG that was cut off")
        length, kind = struct.unpack(">I4s", header)
        end = position + 8 + length
        if (
            len(content) < end + 4
            or struct.pack(">I", zlib.crc32(content[position + 4 : end])) != content[end : end + 4]
        ):
            raise ValueError("a damaged PNG")
        if size is None:
            size = _declared_size(kind, content[position + 8 : end])
        position = end + 4
    assert size is not None
    return size


def _declared_size(kind: bytes, data: bytes) -> tuple[int, int]:
    """What the first chunk says."""
    if kind != b"IHDR" or len(data) != 13:
        raise ValueError("a PNG without a header")
    width, height = struct.unpack(">II", data[:8])
    if not width or not height:
        raise ValueError("a PNG without a pixel")
    return width, height
