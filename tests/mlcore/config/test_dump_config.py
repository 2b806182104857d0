import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mlcore.config import Section, dump_config, load_config
from mlcore.config.yaml_reader import read_yaml
from pydantic import Field

HARD_TEXTS = (
    *(
        "no",
        "yes",
        "null",
        "~",
        "",
        "1e-3",
        "1e3",
        "0o17",
        "010",
        "1_000",
        ".inf",
        ".nan",
        "true",
        "-",
        "?",
        ":",
        "a: b",
    ),
    *(
        "# x",
        "x # y",
        " lead",
        "trail ",
        "a\nb",
        "a\n",
        "\ttab",
        "'",
        '"',
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`",
        "<<",
        "=",
        "---",
    ),
    *(
        "2001-01-01",
        "1:30",
        "9" * 200,
        "é",
        "日本",
        "\u2028",
        "\x85",
        "\x07",
        "\ufeff",
        "😀",
        "{a}",
        "[a",
        "a" * 500,
    ),
)


class Inner(Section):
    number: float = Field(default=0.0, allow_inf_nan=True)
    text: str = ""


class Everything(Section):
    text: str = ""
    number: float = Field(default=0.0, allow_inf_nan=True)
    count: int = 0
    switch: bool | None = None
    path: Path = Path("a/b")
    pair: tuple[float, float] = (0.9, 1e-8)
    words: list[str] = Field(default=[])
    table: dict[str, float] = Field(default={})
    inner: Inner | None = None
    sections: tuple[Inner, ...] = ()


def load_dumped(config: Section, folder: Path) -> Any:
    file = folder / "dumped.yaml"
    file.write_text(dump_config(config), encoding="utf-8")
    return load_config(type(config), file)


texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20
) | st.sampled_from(HARD_TEXTS)
numbers = st.floats(allow_nan=False)
inners = st.builds(Inner, number=numbers, text=texts)


@given(
    st.builds(
        Everything,
        text=texts,
        number=numbers,
        count=st.integers(-(2**63), 2**63),
        switch=st.none() | st.booleans(),
        pair=st.tuples(*2 * [st.floats(allow_nan=False, allow_infinity=False)]),
        words=st.lists(texts, max_size=4),
        table=st.dictionaries(
            texts.filter(bool), st.floats(allow_nan=False, allow_infinity=False), max_size=3
        ),
        inner=st.none() | inners,
        sections=st.lists(inners, max_size=2).map(tuple),
    )
)
def test_a_dumped_configuration_loads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, config: Everything
) -> None:
    assert load_dumped(config, tmp_path_factory.getbasetemp()) == config


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_text_that_looks_like_something_else_stays_text_for_yaml_1_1_readers_too(
    text: str, tmp_path: Path
) -> None:
    config = Everything(text=text, words=[text])
    assert load_dumped(config, tmp_path) == config
    assert yaml.safe_load(dump_config(config))["text"] == text


@pytest.mark.parametrize("number", [1e-08, 1e-300, 1e16, 1e22, 0.1, -0.0, 5e-324, math.inf, -math.inf])
def test_numbers_are_numbers_for_yaml_1_1_readers_too(number: float) -> None:
    text = dump_config(Everything(number=number))
    assert yaml.safe_load(text)["number"] == number
    assert "!!" not in text


def test_not_a_number_survives(tmp_path: Path) -> None:
    assert math.isnan(load_dumped(Everything(number=math.nan), tmp_path).number)


def test_all_keys_are_dumped_in_the_order_of_the_schema() -> None:
    root, problems = read_yaml(dump_config(Everything()), "dump")
    assert not problems
    assert isinstance(root.value, dict)
    assert list(root.value) == list(Everything.model_fields)
