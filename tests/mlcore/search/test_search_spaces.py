"""What a space may say, what it means, and how a wrong one is refused."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mlcore.config import load_config
from mlcore.errors import ConfigError
from mlcore.search.config import SearchConfig
from mlcore.search.space import (
    Choices,
    Dimension,
    RealNumbers,
    WholeNumbers,
    choice_text,
    grid_points,
    value_text,
)
from mlcore.search.space_check import dimensions_of, fractions_allowed
from toy_train import ToyConfig


def dimensions(tmp_path: Path, space: dict, base: str = "name: toy\n", **settings: object) -> list[Dimension]:
    """The dimensions of a space written in YAML, around a base written in YAML."""
    (tmp_path / "space.yaml").write_text(
        yaml.safe_dump({"space": space, **settings}, sort_keys=False), encoding="utf-8"
    )
    (tmp_path / "base.yaml").write_text(base, encoding="utf-8")
    search = load_config(SearchConfig, tmp_path / "space.yaml")
    return dimensions_of(search, ToyConfig, tmp_path / "base.yaml")


def refusal(tmp_path: Path, space: dict, **settings: object) -> str:
    with pytest.raises(ConfigError) as caught:
        dimensions(tmp_path, space, **settings)
    return str(caught.value)


def test_the_kind_of_numbers_follows_the_key_and_not_how_its_bounds_are_written(tmp_path: Path) -> None:
    found = dimensions(
        tmp_path,
        {
            "model.x": {"low": 0, "high": 1},
            "model.width": {"low": 2, "high": 8, "step": 2},
            "training.learning_rate": {"low": 1e-4, "high": 1, "log": True, "points": 5},
            "model.kind": {"choices": ["good", "bad"]},
        },
    )
    assert found == [
        RealNumbers("model.x", 0.0, 1.0),
        WholeNumbers("model.width", 2, 8, 2),
        RealNumbers("training.learning_rate", 1e-4, 1.0, log=True, points=5),
        Choices("model.kind", ("good", "bad")),
    ]


def test_fractions_are_allowed_where_the_schema_takes_floats_through_aliases_too() -> None:
    assert fractions_allowed(ToyConfig, "training.lr") is True
    assert fractions_allowed(ToyConfig, "training.max_grad_norm") is True
    assert fractions_allowed(ToyConfig, "training.batch_size") is False
    assert fractions_allowed(ToyConfig, "model.kind") is None


def test_a_grid_is_the_product_of_its_axes() -> None:
    space = [
        RealNumbers("rate", 1e-4, 1e-1, log=True, points=4),
        RealNumbers("x", 0.0, 1.0, points=3),
        RealNumbers("y", 0.0, 0.3, step=0.1),
        WholeNumbers("width", 2, 9, 3),
        WholeNumbers("wide", 8, 64, log=True, points=4),
        Choices("kind", ("good", "bad")),
    ]
    points = grid_points(space)
    axes = [
        np.geomspace(1e-4, 1e-1, 4),
        np.linspace(0, 1, 3),
        np.arange(4) * 0.1,
        [2, 5, 8],
        [8, 16, 32, 64],
        [0, 1],
    ]
    found = [
        tuple(("good", "bad").index(value) if key == "kind" else value for key, value in point.items())
        for point in points
    ]
    np.testing.assert_allclose(np.array(found), np.array(list(itertools.product(*axes))), rtol=1e-12)
    assert points[0]["rate"] == 1e-4, "the bounds themselves, not numbers near them"
    assert points[-1]["rate"] == 1e-1


plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(
    st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc", "Cn")), max_size=20
)


@given(st.recursive(plain | texts, lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_every_choice_comes_back_from_the_command_line_as_it_was(choice: object) -> None:
    from mlcore.config.loading import _read_value

    read = _read_value(choice_text(choice))
    assert read == choice
    assert type(read) is type(choice) or isinstance(choice, float)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_comes_back_from_the_command_line_bit_for_bit(number: float) -> None:
    from mlcore.config.loading import _read_value

    assert float(_read_value(value_text(number))) == number


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"training.learning_ratee": {"low": 1e-4, "high": 1e-2}}, "did you mean 'training.learning_rate'"),
        (
            {"model.kind": {"choices": ["good", "bda"]}},
            "space.model.kind: expected 'good' or 'bad', got 'bda'",
        ),
        ({"model.width": {"low": 1, "high": 10}}, "space.model.width"),
        ({"model.width": {"low": 1, "high": 2.5}}, "this key takes whole numbers, got 2.5"),
        ({"seed": {"low": 1, "high": 3}}, "space.seed: the search sets this key itself"),
        ({"model.kind": {"choices": ["good", "good"]}}, "a choice stands there twice"),
        ({"model.x": {"low": 1, "high": 0}}, "low is 1, above high 0"),
        ({"model.x": {"low": 0, "high": 1, "log": True}}, "log needs a low above 0"),
        ({"model.x": {"low": 0}}, "give low and high, or choices"),
        ({"model.x": {"choices": [1, 2], "low": 0}}, "choices stand alone, without low"),
        ({"model.x": {"low": 0, "hihg": 1}}, "did you mean 'space.model.x.high'"),
        ({}, "name at least one key"),
    ],
)
def test_a_wrong_space_is_refused_with_what_would_be_right(tmp_path: Path, space: dict, message: str) -> None:
    assert message in refusal(tmp_path, space)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, {"model.y": {"low": 0, "high": 1}, "model.kind": {"choices": ["ugly"]}})
    assert len(message.splitlines()) == 2


def test_a_value_that_only_clashes_with_the_base_is_left_to_the_trials(tmp_path: Path) -> None:
    base = "training: {steps: 50, schedule: {type: cosine, warmup_steps: 20}}\n"
    found = dimensions(tmp_path, {"training.steps": {"choices": [10, 100]}}, base)
    assert found == [Choices("training.steps", ("10", "100"))]


def test_a_grid_without_a_finite_number_of_values_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"space\.x: a grid needs points"):
        grid_points([RealNumbers("x", 0.0, 1.0)])
    with pytest.raises(ConfigError, match="at most 10,000 are tried"):
        grid_points([WholeNumbers("a", 1, 200), WholeNumbers("b", 1, 200)])
