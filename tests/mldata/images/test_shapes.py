"""The drawn shapes: their outlines against closed forms, and that an image depends on its seed and index alone."""

import math

import numpy as np
import pytest
import torch
from mldata.errors import DataError
from mldata.images.attributes import attribute_of
from mldata.images.hashes import duplicates, image_hashes
from mldata.images.loading import load_images
from mldata.images.shapes.drawing import draw_shapes
from mldata.images.shapes.outlines import OUTLINES
from mldata.registry import spec


def lens(a: float, b: float, d: float) -> float:
    """The area that two discs of radii a and b, d apart, have in common."""
    first = a * a * math.acos((d * d + a * a - b * b) / (2 * d * a))
    second = b * b * math.acos((d * d + b * b - a * a) / (2 * d * b))
    root = math.sqrt((-d + a + b) * (d + a - b) * (d - a + b) * (d + a + b))
    return first + second - root / 2


AREAS = {
    "disc": math.pi * 0.85**2,
    "ring": math.pi * (0.9**2 - 0.46**2),
    "square": 1.5**2,
    "triangle": 3 * math.sqrt(3) * 0.5**2,
    "pentagon": 5 * 0.76**2 * math.tan(math.pi / 5),
    "star": 5 * 0.42 * math.sin(math.pi / 5),
    "cross": 2 * 1.9 * 0.6 - 0.6**2,
    "crescent": math.pi * 0.95**2 - lens(0.95, 0.8, 0.45),
    "half disc": math.pi / 2,
    "bar": 2 * 0.66,
}


@pytest.mark.parametrize("name", OUTLINES)
def test_the_outline_encloses_the_area_of_its_closed_form(name: str) -> None:
    places = (np.arange(600) + 0.5) / 600 * 3 - 1.5
    x, y = np.meshgrid(places, places)
    inside = OUTLINES[name](x, y) < 0
    assert inside.mean() * 9 == pytest.approx(AREAS[name], abs=0.01)


@pytest.mark.parametrize("name", OUTLINES)
def test_values_never_change_faster_than_the_distance(name: str) -> None:
    chance = np.random.default_rng(0)
    (x, y), (dx, dy) = chance.uniform(-1.3, 1.3, (2, 4000)), chance.normal(0, 0.02, (2, 4000))
    change = np.abs(OUTLINES[name](x + dx, y + dy) - OUTLINES[name](x, y))
    assert (change <= np.hypot(dx, dy) * (1 + 1e-9)).all()


def test_an_image_depends_on_seed_index_and_class_alone() -> None:
    labels = np.arange(100) % 10
    whole = draw_shapes(labels, seed=3)
    assert np.array_equal(draw_shapes(labels[70:90], seed=3, first_index=70), whole[70:90])
    assert not np.array_equal(draw_shapes(labels[:5], seed=4), whole[:5])
    other_class = draw_shapes((labels[:5] + 1) % 10, seed=3)
    assert all((a != b).any() for a, b in zip(other_class, whole[:5], strict=True))


def test_the_data_set_is_balanced_in_colour_and_shares_no_image_between_its_parts() -> None:
    test = load_images("shapes", "test")
    assert test.class_counts() == [100] * 10
    assert test.classes == spec("shapes").classes == tuple(OUTLINES)
    assert test.image_shape == (32, 32, 3)
    means, deviations = test.channel_statistics()
    assert all(0.25 < mean < 0.5 for mean in means)
    assert all(0.15 < deviation < 0.35 for deviation in deviations)
    hashes = image_hashes("shapes", "test")
    assert len(set(hashes)) == 1000
    assert duplicates(hashes, image_hashes("shapes", "train", train_fraction=1.0)) == 0


def test_the_colour_of_a_shape_is_what_its_middle_shows() -> None:
    """Where nothing hides it: in most images. Discs and squares cover the image's middle wherever they lie."""
    images = load_images("shapes", "test")
    attribute = attribute_of(images, "colour")
    assert attribute.classes == ("red", "green", "blue")
    assert all(250 < int(count) < 420 for count in torch.bincount(attribute.labels))
    solid = [images.classes.index(name) for name in ("disc", "square")]
    chosen = torch.isin(images.labels, torch.tensor(solid))
    middle = images.images[chosen][:, 14:18, 14:18].double().mean(dim=(1, 2))
    assert float((middle.argmax(dim=1) == attribute.labels[chosen]).double().mean()) > 0.75
    shuffled = images.subset([7, 3, 900])
    assert torch.equal(attribute_of(shuffled, "colour").labels, attribute.labels[[7, 3, 900]])
    with pytest.raises(DataError, match="colour \\(of shapes\\)"):
        attribute_of(images, "size")
