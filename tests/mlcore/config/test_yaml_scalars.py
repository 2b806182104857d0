"""Plain scalars against the core schema of YAML 1.2 (yaml.org/spec/1.2.2, sections 10.2.1 and 10.3.2)."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlcore.config.scalars import read_scalar

# The table of section 10.3.2, each row with the examples that its regular expression spells out.
CORE_SCHEMA = {
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "0": 0,
    "-0": 0,
    "+12": 12,
    "-19": -19,
    "010": 10,
    "0o7": 7,
    "0o17": 15,
    "0x3A": 58,
    "0x1F": 31,
    "0xff": 255,
    "0.": 0.0,
    "-0.0": -0.0,
    ".5": 0.5,
    "+12e03": 12000.0,
    "-2E+05": -200000.0,
    "1e-3": 0.001,
    "1E3": 1000.0,
    "5.e-1": 0.5,
    ".inf": math.inf,
    ".Inf": math.inf,
    ".INF": math.inf,
    "+.inf": math.inf,
    "-.Inf": -math.inf,
    "-.INF": -math.inf,
}
# What YAML 1.1 or Python would take for something else, and the core schema for text.
TEXT = (
    *("yes", "no", "on", "off", "Yes", "NO", "y", "n", "tRUE", "nULL", "none", "None"),
    *(
        "1_000",
        "1,000",
        "0b11",
        "0O7",
        "0X1F",
        "0o8",
        "-0x1",
        "+0o7",
        "1e",
        "e3",
        ".",
        "+",
        "-",
        "1.2.3",
        "0x",
    ),
    *(
        "190:20:30",
        "2001-01-01",
        "inf",
        "nan",
        "Infinity",
        "NaN",
        "-.nan",
        "+.nan",
        ".iNf",
        "١٢",
        "1٢",
        "½",
        "1 2",
    ),
)


@pytest.mark.parametrize(("text", "value"), CORE_SCHEMA.items())
def test_the_core_schema_of_yaml_1_2_is_read_as_its_table_says(text: str, value: object) -> None:
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)
    if isinstance(value, float):
        assert math.copysign(1, value) == math.copysign(1, read)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number_is_a_float(text: str) -> None:
    read = read_scalar(text)
    assert isinstance(read, float)
    assert math.isnan(read)


@pytest.mark.parametrize("text", TEXT)
def test_whatever_the_table_does_not_list_is_text(text: str) -> None:
    assert read_scalar(text) == text


@given(
    st.one_of(
        st.booleans(),
        st.none(),
        st.integers(-(2**64) + 1, 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_every_scalar_of_json_is_read_as_json_reads_it(value: object) -> None:
    text = json.dumps(value)
    assert read_scalar(text) == json.loads(text)
    assert type(read_scalar(text)) is type(json.loads(text))


@pytest.mark.parametrize("text", ["9" * 5000, str(2**64), "-" + "9" * 30, "0x" + "f" * 17, "0." + "1" * 200])
def test_numbers_beyond_reason_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"64 bits|too long"):
        read_scalar(text)
