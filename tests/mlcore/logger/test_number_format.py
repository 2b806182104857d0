"""Numbers as people read them."""

import math

import pytest
from mlcore.logger.number_format import (
    format_bytes,
    format_count,
    format_duration,
    format_loss,
    format_number,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.21449, "3.214"),
        (0.0123449, "0.01234"),
        (0.0003, "3.00e-04"),
        (12345.6, "12,346"),
        (1234.56, "1,235"),
        (-2.5, "-2.500"),
        (0.0, "0"),
        (1_000_000, "1,000,000"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_keep_four_digits(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(950, "950"), (999.9, "1k"), (12_400, "12.4k"), (999_999, "1M"), (1_250_000, "1.25M"), (3.1e9, "3.1G")],
)
def test_counts_are_short(value: float, text: str) -> None:
    assert format_count(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.7, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (273_600, "3 d 4 h"),
        (math.inf, "–"),
    ],
)
def test_durations_carry_over(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(512, "512 B"), (1536, "1.5 KiB"), (2.25 * 2**30, "2.25 GiB"), (2**41, "2 TiB")]
)
def test_sizes_are_binary(size: float, text: str) -> None:
    assert format_bytes(size) == text


def test_losses_keep_four_decimals() -> None:
    assert [format_loss(value) for value in (1.0, 0.00001, 123456.0, math.nan)] == [
        "1.0000",
        "0.0000",
        "123,456",
        "NaN",
    ]
