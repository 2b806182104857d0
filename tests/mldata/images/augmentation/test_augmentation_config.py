"""The augmentation's config: off by default, bounded, and read without torch."""

import subprocess
import sys
from typing import Any

import pytest
from mldata.images.augmentation import AugmentationConfig, build_augmentation
from pydantic import ValidationError


def test_the_default_is_off_and_builds_nothing() -> None:
    assert AugmentationConfig().is_off
    assert build_augmentation(AugmentationConfig(), seed=1) is None


@pytest.mark.parametrize(
    ("changes", "off", "moves", "resamples"),
    [
        ({"rotation": 5}, False, True, True),
        ({"scale": 0.1}, False, True, True),
        ({"shear": 5}, False, True, True),
        ({"elastic_alpha": 30}, False, True, True),
        ({"translation": 1.5}, False, True, True),
        ({"translation": 2, "whole_pixels": True}, False, True, False),
        ({"horizontal_flip": 0.5}, False, True, False),
        ({"rotation": 5, "probability": 0}, True, False, False),
        ({"erasing": 0.5, "probability": 0}, False, False, False),
        ({"padding": "border", "elastic_sigma": 6, "whole_pixels": True}, True, False, False),
    ],
)
def test_the_config_knows_what_it_asks_for(
    changes: dict[str, Any], off: bool, moves: bool, resamples: bool
) -> None:
    config = AugmentationConfig(**changes)
    assert (config.is_off, config.moves, config.resamples) == (off, moves, resamples)
    assert (build_augmentation(config, seed=0) is None) == off


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotations": 5}, "Extra inputs"),
        ({"rotation": -1}, "greater than or equal to 0"),
        ({"rotation": 181}, "less than or equal to 180"),
        ({"scale": 1.0}, "less than or equal to 0.9"),
        ({"translation": float("nan")}, "finite number"),
        ({"elastic_alpha": float("inf")}, "finite number"),
        ({"probability": 1.1}, "less than or equal to 1"),
        ({"padding": "wrap"}, "'zeros', 'border' or 'reflection'"),
        ({"translation": 1.6, "whole_pixels": True}, "nearest that is one: 2"),
        ({"elastic_alpha": 100, "elastic_sigma": 4}, "the largest is 5 sigma², 80"),
        ({"erasing_area": (0.3, 0.2)}, r"wrong order: \[0.2, 0.3\]"),
        ({"erasing_fill": "white"}, "noise"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AugmentationConfig(**changes)


def test_the_config_can_be_written_and_read_again() -> None:
    config = AugmentationConfig(rotation=10, erasing=0.5, erasing_fill="noise")
    assert AugmentationConfig.model_validate_json(config.model_dump_json()) == config


def test_every_field_is_described() -> None:
    assert all(field.description for field in AugmentationConfig.model_fields.values())


def test_reading_a_config_imports_no_torch() -> None:
    code = (
        "import sys; from mldata.images.augmentation.config import AugmentationConfig; "
        "AugmentationConfig(rotation=5); print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed is"):
        build_augmentation(AugmentationConfig(rotation=5), seed=seed)
