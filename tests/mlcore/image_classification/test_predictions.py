"""Averaged views and spoilt copies, with a classifier whose answers are known."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.comparison import cost_table, costs_of
from mlcore.image_classification.config import EvaluationConfig
from mlcore.image_classification.evaluation import accuracy, judge
from mlcore.image_classification.robustness import accuracies_on_spoilt, robustness_table
from mlcore.image_classification.views import mirrored_and_shifted, moved, views_of
from pydantic import ValidationError
from torch import Tensor, nn


@dataclass(frozen=True)
class Pictures:
    """Bytes (N, H, W, 1) with their labels."""

    images: Tensor
    labels: Tensor
    split: str = "test"
    name: str = "pictures"
    classes: tuple[str, ...] = ("dark", "bright")
    num_classes: int = 2
    image_shape: tuple[int, int, int] = (6, 6, 1)
    fingerprint: str = "0"

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, positions: Any) -> "Pictures":
        return Pictures(self.images[positions], self.labels[positions])


class CornerModel(nn.Module):
    """Looks at the upper left pixel alone: logits (-x, x)."""

    def forward(self, images: Tensor) -> Tensor:
        x = images[:, 0, 0, 0]
        return torch.stack((-x, x), dim=1)


def batches(images: Any, batch_size: int) -> Any:
    floats = images.images.permute(0, 3, 1, 2).float() / 255
    return zip(floats.split(batch_size), images.labels.split(batch_size), strict=True)


CLASSIFIER = ImageClassifier(
    CornerModel(), ("dark", "bright"), [0.0], [1.0], torch.device("cpu"), make_batches=batches
)


def random_pictures(num: int = 7) -> Pictures:
    pixels = torch.randint(0, 256, (num, 6, 6, 1), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return Pictures(pixels, torch.arange(num) % 2)


def probability(pixels: Tensor) -> Tensor:
    """What the corner model says of the class "bright"."""
    x = pixels.float() / 255
    return torch.sigmoid(2 * x)


def test_without_views_the_models_own_logits_come_out_in_any_batches() -> None:
    pictures = random_pictures()
    found = CLASSIFIER.predict(pictures, batch_size=3)
    assert torch.equal(found[:, 1], pictures.images[:, 0, 0, 0].float() / 255)


def test_flip_and_shift_average_six_corners_with_the_published_weights() -> None:
    """The corner of a mirror image is the other corner; shifted by one, it is the next pixel in, or its reflection."""
    pictures = random_pictures()
    p = pictures.images[..., 0]
    found = CLASSIFIER.predict(pictures, views=views_of("flip_shift")).exp()[:, 1]
    expected = 0.25 * (probability(p[:, 0, 0]) + probability(p[:, 0, -1]))
    expected += 0.125 * (probability(p[:, 1, 1]) + probability(p[:, 1, -2]))  # both shifts show pixel (1, 1):
    expected += 0.125 * (
        probability(p[:, 1, 1]) + probability(p[:, 1, -2])
    )  # one by reflection, one by moving
    torch.testing.assert_close(found, expected)
    flipped = CLASSIFIER.predict(pictures, views=views_of("flip")).exp()[:, 1]
    torch.testing.assert_close(flipped, 0.5 * (probability(p[:, 0, 0]) + probability(p[:, 0, -1])))


def test_views_keep_the_shape_and_shifts_are_rolled() -> None:
    batch = torch.rand(2, 3, 5, 5)
    assert [view.shape for _, view in mirrored_and_shifted(batch)] == [batch.shape] * 6
    assert len(moved(batch, 2)) == 9
    assert torch.equal(moved(batch, 1)[1][1], batch.roll(1, 2))
    assert views_of("none") is None
    with pytest.raises(ValidationError, match="give one of them"):
        EvaluationConfig(shifts=1, test_time_augmentation="flip")


def test_a_judgement_with_views_also_says_what_the_image_alone_gives() -> None:
    pictures = random_pictures(40)
    content = judge(
        None,
        CLASSIFIER,
        pictures,
        evaluation=EvaluationConfig(test_time_augmentation="flip"),
        validation=None,
    )
    assert content["accuracy_without_views"] == accuracy(CLASSIFIER, pictures)
    assert content["data"] == "pictures"
    hits = (CLASSIFIER.predict(pictures, views=views_of("flip")).argmax(1) == pictures.labels).float().mean()
    assert content["metrics"]["accuracy"] == pytest.approx(float(hits))


def test_spoilt_copies_are_counted_by_kind_and_severity() -> None:
    pictures = Pictures(torch.full((10, 6, 6, 1), 200, dtype=torch.uint8), torch.ones(10, dtype=torch.int64))

    def spoil(kind: str, severity: int) -> Pictures:
        labels = torch.ones(10, dtype=torch.int64)
        labels[: severity if kind == "mild" else 3 * severity] = 0  # "bright" is then wrong for so many
        return Pictures(pictures.images, labels)

    kinds = {"mild": (0.1, 0.2), "hard": (1.0, 2.0, 3.0)}
    content = accuracies_on_spoilt(CLASSIFIER, pictures, spoil, kinds)
    assert content["clean"] == 1.0
    assert [entry["accuracy"] for entry in content["kinds"]["mild"]] == pytest.approx([0.9, 0.8])
    assert [entry["accuracy"] for entry in content["kinds"]["hard"]] == pytest.approx([0.7, 0.4, 0.1])
    assert content["mean"] == pytest.approx((0.9 + 0.8 + 0.7 + 0.4 + 0.1) / 5)
    low, high = content["kinds"]["hard"][0]["accuracy_interval"]
    assert (low, high) == pytest.approx((0.3968, 0.8922), abs=1e-3)  # Wilson, 7 of 10
    assert robustness_table(content).row_count == 2


def test_costs_are_means_over_judged_runs_and_accuracy_is_set_against_operations() -> None:
    @dataclass
    class Run:
        name: str
        metrics: dict[str, float]

    class Ledger:
        def query(self, *, status: str) -> list[Run]:
            assert status == "complete"
            costs = {"parameters": 1e6, "flops_per_item": 2e9}
            return [
                Run("a", {**costs, "test.accuracy": 0.8, "throughput.items_per_s": 100.0}),
                Run("a", {**costs, "test.accuracy": 0.9, "throughput.items_per_s": 300.0}),
                Run("b", {"parameters": 5.0}),  # not judged
            ]

    costs = costs_of(Ledger())  # type: ignore[arg-type]
    assert costs.keys() == {"a"}
    assert costs["a"]["throughput.items_per_s"] == 200
    assert costs["a"]["accuracy_per_gflop"] == pytest.approx(0.85 / 2)
    assert cost_table(costs).row_count == 1
