"""Plain scalars as the core schema of YAML 1.2 reads them (yaml.org/spec/1.2.2, section 10.3.2)."""

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
# [0-9] and not \d, which would also take the digits of other scripts.
_INTEGERS = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MAX_NUMBER_LENGTH = 100
_LARGEST_INTEGER = 2**64


def read_scalar(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar: ``1e-3`` is a number, ``010`` is 10, ``yes`` and ``no`` are
    text.

    Raises:
        ValueError: a whole number beyond 64 bits, or a number of more than a hundred digits.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            return _integer(text, base)
    if _FLOAT.fullmatch(text):
        if len(text) > _MAX_NUMBER_LENGTH:
            raise ValueError(f"a number of {len(text)} characters is too long")
        return float(text)
    return text


def _integer(text: str, base: int) -> int:
    number = int(text, base) if len(text) <= _MAX_NUMBER_LENGTH else _LARGEST_INTEGER
    if abs(number) >= _LARGEST_INTEGER:
        raise ValueError("a whole number must fit in 64 bits")
    return number
