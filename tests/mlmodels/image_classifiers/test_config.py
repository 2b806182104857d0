"""The configs: what YAML gives is taken, what cannot be built is refused with the nearest thing that can."""

import subprocess
import sys
from typing import Annotated

import pytest
from mlmodels import image_classifiers
from mlmodels.image_classifiers.config import CnnConfig, FcConfig, FcScratchConfig
from pydantic import Field, TypeAdapter, ValidationError

ANY_CLASSIFIER = TypeAdapter(Annotated[FcConfig | FcScratchConfig | CnnConfig, Field(discriminator="type")])


@pytest.mark.parametrize("kind", [FcConfig, FcScratchConfig, CnnConfig])
def test_the_type_alone_names_a_config_and_its_dump_names_it_again(kind: type[FcConfig]) -> None:
    config = ANY_CLASSIFIER.validate_python({"type": kind().type})
    assert config == kind()
    assert next(iter(config.model_dump())) == "type"
    assert ANY_CLASSIFIER.validate_python(config.model_dump(mode="json")) == config


def test_sizes_may_be_lists_as_in_yaml() -> None:
    assert FcConfig.model_validate({"hidden_sizes": [256, 128]}) == FcConfig()
    assert CnnConfig.model_validate({"channels": [32, 64]}) == CnnConfig()
    assert FcConfig.model_validate({"hidden_sizes": []}).hidden_sizes == ()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (FcConfig, {"hidden_sizes": [256, 0]}),
        (FcConfig, {"dropout": 1.0}),
        (FcConfig, {"dropout": float("nan")}),
        (FcConfig, {"num_classes": 1}),
        (FcConfig, {"init": "glorot"}),
        (FcConfig, {"hiden_sizes": [256]}),
        (FcScratchConfig, {"batch_norm": True}),
        (FcScratchConfig, {"l2": -0.1}),
        (FcScratchConfig, {"dtype": "float16"}),
        (CnnConfig, {"hidden_sizes": [256, 128]}),
        (CnnConfig, {"channels": []}),
        (CnnConfig, {"image_size": 0}),
    ],
)
def test_what_cannot_be_built_is_refused(kind: type[FcConfig], changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        kind.model_validate(changes)


@pytest.mark.parametrize(
    ("image_size", "channels", "remedy"),
    [
        (3, [32, 64], "make it at least 4, or give fewer channels: at most 1"),
        (7, [8, 8, 8], "make it at least 8, or give fewer channels: at most 2"),
        (1, [32], "make it at least 2$"),
    ],
)
def test_an_image_too_small_for_the_poolings_is_refused_with_what_would_fit(
    image_size: int, channels: list[int], remedy: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        CnnConfig.model_validate({"image_size": image_size, "channels": channels})
    message = caught.value.errors()[0]["msg"]
    assert remedy.removesuffix("$") in message
    if remedy.endswith("$"):
        assert message.endswith(remedy.removesuffix("$"))


@pytest.mark.parametrize(
    ("image_size", "channels", "final"), [(28, [32, 64], 7), (4, [8, 8], 1), (29, [8], 14)]
)
def test_the_smallest_images_that_fit_are_taken(image_size: int, channels: list[int], final: int) -> None:
    assert CnnConfig.model_validate({"image_size": image_size, "channels": channels}).final_size == final


@pytest.mark.parametrize(
    "statement",
    [
        "import mlmodels.image_classifiers",
        "from mlmodels import CnnConfig, FcConfig, FcScratchConfig; CnnConfig(), FcConfig(), FcScratchConfig()",
    ],
)
def test_configs_load_no_torch(statement: str) -> None:
    code = f"{statement}\nimport sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_announced_name_can_be_imported_and_no_other() -> None:
    for name in image_classifiers.__all__:
        assert getattr(image_classifiers, name).__name__ == name
        assert name in dir(image_classifiers)
    with pytest.raises(AttributeError, match="no attribute 'VisionTransformer'"):
        _ = image_classifiers.VisionTransformer
