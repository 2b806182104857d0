"""Figures hold what they should and say what is seen."""

import numpy as np
import pytest
import torch
from digit_drawings import (
    NAMES,
    Scene,
    clusters,
    confusion,
    counts_of,
    distribution,
    gallery,
    text_of,
    words_of,
)
from mlcore.interpretation import (
    InterpretationError,
    class_means,
    draw_activation_maps,
    draw_class_distribution,
    draw_class_means,
    draw_confusion,
    draw_contact_sheet,
    draw_failure_clusters,
    draw_failures,
    draw_filters,
    draw_heat_maps,
    draw_maximal_activations,
    draw_neighbours,
    find_failures,
    maximal_activations,
    nearest_neighbours,
)
from torch import Tensor, nn


@pytest.fixture(scope="module")
def scene(digits: tuple[Tensor, Tensor]) -> Scene:
    return Scene(digits[0][:800], digits[1][:800], channels=1)


def test_the_gallery_says_what_was_taken_for_what_and_how_surely(scene: Scene) -> None:
    text = text_of(gallery(scene, NAMES))
    failures = scene.failures
    assert f"The 25 most confident of {failures.num_found} mistakes among 800 images" in text
    assert f"{int(failures.true[0])} → {int(failures.predicted[0])}" in text
    for confidence in failures.confidence.tolist():
        assert f"{100 * confidence:.2f} %" in text or confidence > 0.9999


def test_the_gallery_shows_the_images_in_their_order(scene: Scene) -> None:
    figure = gallery(scene, NAMES)
    for axes, position in zip(figure.axes, scene.failures.positions, strict=True):
        shown = np.asarray(axes.images[0].get_array())
        np.testing.assert_allclose(shown, scene.images[position].squeeze(-1) / 255, atol=1e-6)


def test_certainty_is_never_claimed(digits: tuple[Tensor, Tensor]) -> None:
    failures = find_failures(torch.tensor([[50.0, 0.0]]), torch.tensor([1]))
    assert "> 99.99 %" in text_of(draw_failures(digits[0][:1], failures, NAMES))


def test_a_gallery_without_mistakes_says_so(digits: tuple[Tensor, Tensor]) -> None:
    failures = find_failures(torch.eye(10), torch.arange(10))
    figure = draw_failures(digits[0][:0], failures, NAMES)
    assert "No mistakes among 10 images" in text_of(figure)
    assert figure.axes == []


def test_clusters_are_labelled_with_size_and_commonest_confusions(scene: Scene) -> None:
    text = text_of(clusters(scene, NAMES))
    assert f"{len(scene.every)} mistakes in 4 clusters" in text
    assert f"silhouette {scene.clusters.silhouette:.2f}" in text
    for number, cluster in enumerate(scene.clusters.clusters, start=1):
        assert f"{number}:  {cluster.size} mistake" in text
        pair = cluster.pairs[0]
        assert f"{pair.true} → {pair.predicted}  × {pair.num_mistakes}" in text


def test_neighbours_are_framed_by_the_side_they_are_on(digits: tuple[Tensor, Tensor]) -> None:
    images, labels = digits[0][:4], torch.tensor([[3, 5, 8]])
    found = nearest_neighbours(images[:1].flatten(1), images[1:].flatten(1), 3)
    figure = draw_neighbours(
        images[:1], torch.tensor([3]), torch.tensor([5]), images[1:][found.indices[0]], labels, found, NAMES
    )
    styles = [axes.spines["top"].get_linestyle() for axes in figure.axes[1:]]
    assert styles == ["-", "--", ":"]
    assert len({axes.spines["top"].get_edgecolor() for axes in figure.axes[1:]}) == 3
    assert "3 → 5" in text_of(figure)


def test_the_confusion_matrix_says_every_count_and_recall(scene: Scene) -> None:
    counts = counts_of(scene)
    figure = draw_confusion(counts, NAMES)
    text = text_of(figure)
    right = int(counts.trace())
    assert f"{800 - right} of 800 images are taken for another class: accuracy {right / 8:.2f} %" in text
    written = sorted(int(text.get_text()) for text in figure.axes[0].texts)
    assert written == sorted(counts[counts > 0].tolist())
    for row in range(10):
        assert f"{100 * counts[row, row] / counts[row].sum():.2f} %" in text


def test_a_large_confusion_matrix_lists_its_commonest_mistakes() -> None:
    counts = 50 * torch.eye(100, dtype=torch.int64)
    counts[7, 93] = 12
    figure = draw_confusion(counts, [f"class {number}" for number in range(100)])
    assert "class 7 → class 93  × 12" in text_of(figure)
    assert len(figure.axes[0].texts) == 0


def test_a_perfect_confusion_matrix_and_an_absent_class_can_be_drawn() -> None:
    assert "accuracy 100.00 %" in text_of(draw_confusion([[3, 0], [0, 0]], ["cat", "dog"]))
    assert "no images" in text_of(draw_confusion(np.array([[3, 0], [0, 0]]), ["cat", "dog"]))
    assert "no images" in text_of(draw_confusion([[0, 0], [0, 0]], ["cat", "dog"]))


def test_bars_are_shares_of_each_part_or_the_numbers_of_a_single_one() -> None:
    figure = draw_class_distribution({"train": [30, 10], "test": [1, 3]}, ["cat", "dog"])
    assert [bar.get_height() for bar in figure.axes[0].patches] == [75, 25, 25, 75]
    assert "train: 40" in text_of(figure)
    single = draw_class_distribution({"train": [1500, 10]}, ["cat", "dog"])
    assert [bar.get_height() for bar in single.axes[0].patches] == [1500, 10]
    assert "1,510 train images in 2 classes" in text_of(single)
    assert "1,500" in text_of(single)


def test_a_class_without_images_is_named_all_the_same(digits: tuple[Tensor, Tensor]) -> None:
    names = ["zero", "one", "nothing"]
    positions = (digits[1] < 2).nonzero().squeeze(1)
    images, labels = digits[0][positions], digits[1][positions]
    sheet = draw_contact_sheet(images[:20], labels[:20], names)
    assert len(sheet.axes) == 2
    assert "nothing" in text_of(sheet)
    assert "no images" in text_of(draw_class_means(class_means(images, labels, 3), names))


def test_activation_bands_show_the_strongest_channels_and_all_units() -> None:
    maps = {"conv": torch.zeros(20, 4, 4), "fc": torch.arange(40.0)}
    maps["conv"][13] = 5.0
    figure = draw_activation_maps(torch.rand(1, 8, 8), maps)
    conv, fc = (np.asarray(axes.images[0].get_array()) for axes in figure.axes[1:])
    np.testing.assert_array_equal(conv[:4, :4], np.full((4, 4), 5.0))
    assert float(np.nansum(conv)) == 80
    np.testing.assert_array_equal(np.ma.compressed(np.ma.masked_invalid(fc)), np.arange(40.0))
    assert "20 channels of 4 × 4, the 16 strongest" in text_of(figure)
    assert "40 units" in text_of(figure)


def test_filters_are_drawn_on_a_scale_symmetric_about_zero() -> None:
    figure = draw_filters(torch.tensor([[[1.0, -0.5]], [[0.0, 0.25]]]), title="Two filters")
    image = figure.axes[0].images[0]
    assert (image.norm.vmin, image.norm.vmax) == (-1, 1)
    assert {float(v) for v in np.unique(image.get_array()) if np.isfinite(v)} == {1.0, -0.5, 0.0, 0.25}
    assert "Two filters" in text_of(figure)


def test_filters_keep_the_numbers_they_have_in_their_layer(digits: tuple[Tensor, Tensor]) -> None:
    conv = nn.Conv2d(1, 3, 3)
    found = maximal_activations(conv, conv, [digits[0][:5, None].float()], num=2)
    images = digits[0][found.positions.flatten()]
    assert "\n77" in text_of(draw_maximal_activations(None, images, found, numbers=[75, 76, 77]))


def test_channels_first_and_channels_last_are_the_same_picture(digits: tuple[Tensor, Tensor]) -> None:
    images = torch.rand(3, 8, 8, 3)
    labels = torch.arange(3)
    last = draw_contact_sheet(images, labels, NAMES[:3]).axes[1].images[0].get_array()
    first = draw_contact_sheet(images.permute(0, 3, 1, 2), labels, NAMES[:3]).axes[1].images[0].get_array()
    np.testing.assert_array_equal(last, first)


def test_names_are_never_read_as_formulas(scene: Scene) -> None:
    names = [f"${number}^x_$" for number in range(10)]
    for draw in (gallery, confusion, distribution):
        words = [text for text in words_of(draw(scene, names)) if "$" in text.get_text()]
        assert words
        assert not any(text.get_parse_math() for text in words)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.randn(2, 8, 8), "reach from .* draw them as they are before normalisation"),
        (torch.full((2, 8, 8), float("nan")), "draw them as they are"),
        (torch.zeros(8, 8), r"got \(8, 8\)"),
        (torch.zeros(2, 8, 8, 4), r"1 or 3 channels; got \(2, 8, 8, 4\)"),
        (torch.zeros(3, 8, 8), r"3 images need as many labels; got \(2,\)"),
    ],
)
def test_images_that_cannot_be_drawn_are_refused(images: Tensor, message: str) -> None:
    with pytest.raises(InterpretationError, match=message):
        draw_contact_sheet(images, torch.tensor([0, 1]), NAMES)


def test_arguments_that_do_not_belong_together_are_refused(scene: Scene) -> None:
    with pytest.raises(InterpretationError, match="25 predictions need as many images; got 800"):
        draw_failures(scene.images, scene.failures, NAMES)
    with pytest.raises(InterpretationError, match=r"mistakes need as many images; got 3"):
        draw_failure_clusters(scene.images[:3], scene.clusters, scene.labels, scene.labels, NAMES)
    with pytest.raises(InterpretationError, match=r"the map 'x' must be \(2, 8, 8\).*got \(2, 4, 4\)"):
        draw_heat_maps(scene.images[:2], {"x": torch.zeros(2, 4, 4)}, ["", ""], title="")
    with pytest.raises(InterpretationError, match=r"the map 'x' must lie in \[0, 1\]"):
        draw_heat_maps(scene.images[:2], {"x": torch.full((2, 8, 8), 3.0)}, ["", ""], title="")
    with pytest.raises(InterpretationError, match="2 images need as many captions; got 1"):
        draw_heat_maps(scene.images[:2], {}, [""], title="")
    with pytest.raises(InterpretationError, match=r"10 classes need counts \(10, 10\); got \(3, 3\)"):
        draw_confusion(torch.zeros(3, 3), NAMES)
    with pytest.raises(InterpretationError, match=r"must lie in \[-1, 1\]"):
        draw_filters(torch.full((2, 3, 3), 2.0), title="")
    with pytest.raises(InterpretationError, match="parts with 10 counts"):
        draw_class_distribution({"train": [1, 2]}, NAMES)
    with pytest.raises(InterpretationError, match="10 classes need as many mean images; got 2"):
        draw_class_means(class_means(scene.images, scene.labels % 2, 2), NAMES)
    with pytest.raises(InterpretationError, match=r"layer 'x': .* got \(2, 2\)"):
        draw_activation_maps(scene.images[0], {"x": torch.zeros(2, 2)})
