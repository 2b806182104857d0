"""The 256 printable characters that GPT-2's byte-level BPE writes bytes as (Radford et al., 2019)."""

from functools import lru_cache


@lru_cache(maxsize=1)
def byte_to_character() -> dict[int, str]:
    """Byte -> character: printable Latin-1 stands for itself, the others for U+0100 and after, in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {byte: chr(byte) for byte in printable}
    others = (byte for byte in range(256) if byte not in table)
    table.update({byte: chr(0x100 + index) for index, byte in enumerate(others)})
    return table


@lru_cache(maxsize=1)
def character_to_byte() -> dict[str, int]:
    """The inverse of `byte_to_character`."""
    return {character: byte for byte, character in byte_to_character().items()}


def to_characters(data: bytes) -> str:
    """Bytes in the printable alphabet: `b" the"` -> `"Ġthe"`."""
    table = byte_to_character()
    return "".join(table[byte] for byte in data)


def to_bytes(characters: str) -> bytes:
    """The inverse of `to_characters`; raises KeyError for a character outside the alphabet."""
    table = character_to_byte()
    return bytes(table[character] for character in characters)
