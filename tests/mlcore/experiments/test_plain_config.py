"""The fast reader of configurations gives what the strict one gives, and its words where it cannot."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.config.dumping import dump_config
from mlcore.config.yaml_reader import read_yaml
from mlcore.errors import ConfigError
from mlcore.experiments.plain_config import plain_config, read_plain_config
from pydantic import BaseModel

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
# A NUL or half a surrogate pair cannot stand in a configuration at all.
plain = scalars.filter(
    lambda x: not (isinstance(x, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in x))
)
keys = st.text("abcdefgh_0123456789", min_size=1, max_size=8)
nested = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
SCALARS = ["no", "1e-3", "010", "0o17", "~", "'1'", "2026-01-01", "1_000", "[1, [2, x]]", ".inf"]


class Anything(BaseModel):
    content: dict


@settings(deadline=None)
@given(st.dictionaries(keys, nested, max_size=4))
def test_what_is_dumped_is_read_as_the_strict_reader_reads_it(content: dict) -> None:
    text = dump_config(Anything(content=content))
    expected = read_yaml(text, "config.yaml")[0].plain()
    assert plain_config(text) == expected == {"content": content}


@pytest.mark.parametrize("word", SCALARS)
def test_scalars_are_those_of_yaml_1_2(word: str) -> None:
    text = f"a: {word}\n"
    assert plain_config(text) == read_yaml(text, "x")[0].plain()
    assert math.isnan(plain_config("a: .nan")["a"])


UNUSUAL = {
    "a tag": "a: !!python/object:os.system x",
    "an alias": "a: &x 1\nb: *x",
    "a duplicate key": "a: 1\na: 2",
    "a merge key": "a:\n  <<: {b: 1}",
    "two documents": "a: 1\n---\nb: 2",
    "a list": "- 1\n- 2",
    "deep nesting": "a: " + "[" * 50_000,
    "deep closed nesting": "a: " + "[" * 200 + "]" * 200,
    "no YAML": "a: [1, 2",
    "binary": "a: \x01",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_gets_the_strict_readers_answer(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(UNUSUAL[name])
    try:
        root, problems = read_yaml(UNUSUAL[name], "config.yaml")
    except ConfigError as error:
        expected: object = str(error)
    else:
        expected = str(problems[0]) if problems else root.plain()
    try:
        found: object = read_plain_config(path)
    except ConfigError as error:
        found = str(error)
    assert found == expected


def test_bytes_that_are_no_text_are_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_plain_config(tmp_path / "config.yaml")


def test_an_empty_file_is_an_empty_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("")
    assert read_plain_config(tmp_path / "config.yaml") == {}
