"""Elastic displacements have the statistics of Simard's: Gaussian-filtered white noise, by scipy."""

import numpy as np
import pytest
import torch
from mldata.images.augmentation.elastic import displacement_deviation, lattice_noise, lattice_weights
from mldata.images.augmentation.geometry import basis, source_coordinates
from numpy.typing import NDArray
from scipy import ndimage, stats
from torchvision.transforms import v2


def filtered_noise_correlation(size: int, sigma: float) -> NDArray[np.float64]:
    """(size, size): correlation of white noise, a number a pixel, under scipy's Gaussian filter along an axis."""
    margin = int(8 * sigma)
    responses = ndimage.gaussian_filter1d(np.eye(size + 2 * margin), sigma, axis=0, truncate=7.0)
    inside = responses[margin:-margin]
    covariance = inside @ inside.T
    return covariance / covariance[size // 2, size // 2]


def displacements(num: int, size: int, sigma: float, deviation: float, epoch: int = 0) -> torch.Tensor:
    """(num, 2, size, size) pixels: what is added to the identity."""
    identity = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64).expand(num, 2, 3)
    rows = basis(size, sigma)
    nodes = rows.shape[1] - 2
    noise = lattice_noise(deviation, 5, epoch, torch.arange(num), nodes, nodes)
    still = source_coordinates(identity, rows, rows, torch.zeros_like(noise))
    return source_coordinates(identity, rows, rows, noise) - still


@pytest.mark.parametrize("size", [8, 28, 65])
@pytest.mark.parametrize("sigma", [1.0, 2.5, 4.0, 10.0])
def test_the_lattices_correlation_is_that_of_filtered_white_noise(size: int, sigma: float) -> None:
    weights = lattice_weights(size, sigma).numpy()
    expected = filtered_noise_correlation(size, sigma)
    # scipy's kernel is sampled at whole pixels: at sigma 1 that alone moves correlations by 1e-4.
    np.testing.assert_allclose(weights @ weights.T, expected, atol=0.006)


@pytest.mark.parametrize("size", [8, 28, 224])
def test_the_lattice_is_far_coarser_than_the_image(size: int) -> None:
    assert lattice_weights(size, 4.0).shape[1] <= size / 5 + 5


@pytest.mark.parametrize(("alpha", "sigma"), [(34.0, 4.0), (8.0, 3.0), (4.0, 1.0), (500.0, 12.0)])
def test_the_strength_is_simards(alpha: float, sigma: float) -> None:
    """The standard deviation of alpha times filtered uniform noise, exactly, from the filter's response."""
    size = int(16 * sigma) | 1
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1.0
    response = ndimage.gaussian_filter(impulse, sigma, truncate=7.0)
    expected = alpha * np.sqrt(np.square(response).sum() * stats.uniform(-1, 2).var())
    assert displacement_deviation(alpha, sigma) == pytest.approx(expected, rel=2e-3)


def test_torchvision_bends_as_strongly_with_twice_the_alpha() -> None:
    """Its displacements are in units of half the image, over its size: alpha counts half pixels."""
    torch.manual_seed(0)
    transform, image = v2.ElasticTransform(alpha=68.0, sigma=4.0), torch.zeros(1, 256, 256)
    fields = [transform.make_params([image])["displacement"] * 128 for _ in range(12)]
    # 24 pixels, or 6 sigma, apart displacements are independent: of 2,400 a deviation is known to ± 1.4 %.
    spread = float(torch.stack(fields)[:, :, 16:-16:24, 16:-16:24].std())
    assert spread == pytest.approx(displacement_deviation(34.0, 4.0), rel=0.06)


def test_simards_digits_move_by_more_than_a_pixel() -> None:
    assert displacement_deviation(34.0, 4.0) == pytest.approx(1.385, abs=1e-3)


def test_drawn_displacements_have_the_configured_deviation_at_every_pixel_and_are_normal() -> None:
    deviation = 1.5
    found = displacements(3000, 28, 4.0, deviation)
    spread = found.std(dim=0)
    # Of 3,000 draws each, a deviation is known to ± 1.3 %; the worst of 1,568 pixels stays within 5 of those.
    assert float((spread / deviation - 1.0).abs().max()) < 0.065
    assert float(found.mean(dim=0).abs().max()) < 5 * deviation / np.sqrt(3000)
    for y, x in ((0, 0), (14, 13), (27, 5)):
        assert stats.kstest(found[:, 0, y, x].numpy() / deviation, "norm").pvalue > 1e-5


def test_drawn_displacements_have_the_correlation_of_filtered_noise() -> None:
    found = displacements(3000, 28, 3.0, 1.0)[:, 0].numpy()
    expected = filtered_noise_correlation(28, 3.0)
    along_x = np.einsum("nw,nv->wv", found[:, 10], found[:, 10]) / len(found)
    np.testing.assert_allclose(along_x, expected, atol=0.1)
    diagonal = np.mean(found[:, 10, 10] * found[:, 13, 14])
    assert diagonal == pytest.approx(expected[0, 3] * expected[0, 4], abs=0.1)


def test_displacements_along_x_and_y_and_in_two_epochs_are_independent() -> None:
    first, second = displacements(3000, 28, 4.0, 1.0), displacements(3000, 28, 4.0, 1.0, epoch=1)
    for one, other in ((first[:, 0], first[:, 1]), (first[:, 0], second[:, 0])):
        assert stats.pearsonr(one[:, 9, 9].numpy(), other[:, 9, 9].numpy()).pvalue > 1e-5
