"""Whether a classifier is right as often as it is confident.

The probability of the predicted class is the confidence. Samples are sorted into bins by it; in a calibrated
model the accuracy of every bin equals its mean confidence. Two ways of cutting the bins are given, because the
expected calibration error depends on it: of equal width (Guo et al., On Calibration of Modern Neural Networks,
2017) and of equal mass (Nguyen & O'Connor, Posterior calibration and exploratory analysis, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.evaluator.classification_intervals import Interval, wilson_interval
from mlcore.evaluator.classification_rows import Floats, Ints

NUM_BINS = 15  # as in Guo et al.

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class CalibrationBin:
    """The samples whose confidence lies in (low, high]; mean confidence and accuracy are None without any."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None
    accuracy_interval: Interval | None


@dataclass(frozen=True)
class Binning:
    """Calibration over one set of bins.

    Attributes:
        expected_error: mean over the samples of the gap |accuracy - mean confidence| of their bin (ECE).
        maximum_error: the widest gap of a bin (MCE); a bin with few samples can make it.
        bins: from the lowest confidence to the highest.
    """

    expected_error: float
    maximum_error: float
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True)
class Calibration(Binning):
    """Calibration over bins of equal width, and beside it over bins of equal mass.

    Attributes:
        mean_confidence: more than the accuracy says that the model is overconfident.
        equal_mass: the same samples in bins of about the same number of them.
    """

    mean_confidence: float
    equal_mass: Binning


def calibration(confidences_N: Floats, correct_N: Bools, *, num_bins: int = NUM_BINS) -> Calibration:
    """Calibration of predictions with the given confidences (0 to 1), in `num_bins` bins of either kind."""
    width = equal_width_binning(confidences_N, correct_N, num_bins=num_bins)
    return Calibration(
        expected_error=width.expected_error,
        maximum_error=width.maximum_error,
        bins=width.bins,
        mean_confidence=float(confidences_N.mean()),
        equal_mass=equal_mass_binning(confidences_N, correct_N, num_bins=num_bins),
    )


def equal_width_binning(confidences_N: Floats, correct_N: Bools, *, num_bins: int = NUM_BINS) -> Binning:
    """Bins ((m - 1) / M, m / M], empty ones included."""
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    return _binning(confidences_N, correct_N, np.searchsorted(edges[1:-1], confidences_N), edges)


def equal_mass_binning(confidences_N: Floats, correct_N: Bools, *, num_bins: int = NUM_BINS) -> Binning:
    """At most `num_bins` bins of about N / M samples; the result does not depend on the order of the samples.

    Equal confidences stay in one bin, so that a saturated model, whose confidences are often exactly 1, has
    fewer bins.
    """
    ordered = np.sort(confidences_N)
    cuts = np.arange(1, num_bins) * len(ordered) // num_bins
    # A cut at position 0 would stand before the first sample: there are more bins than samples.
    highest = np.unique(np.append(ordered[cuts[cuts > 0] - 1], ordered[-1]))
    edges = np.concatenate([[0.0], highest])
    return _binning(confidences_N, correct_N, np.searchsorted(highest, confidences_N), edges)


def _binning(confidences_N: Floats, correct_N: Bools, bin_of_N: Ints, edges: Floats) -> Binning:
    num_bins = len(edges) - 1
    counts = np.bincount(bin_of_N, minlength=num_bins)
    confidence_sums = np.bincount(bin_of_N, weights=confidences_N, minlength=num_bins)
    hits = np.bincount(bin_of_N, weights=correct_N, minlength=num_bins)
    gaps = np.abs(hits - confidence_sums)  # times the count of the bin
    filled = counts > 0
    return Binning(
        expected_error=float(gaps.sum() / len(confidences_N)),
        maximum_error=float((gaps[filled] / counts[filled]).max()),
        bins=tuple(
            CalibrationBin(
                low=float(edges[number]),
                high=float(edges[number + 1]),
                count=int(count),
                confidence=float(confidence_sums[number] / count) if count else None,
                accuracy=float(hits[number] / count) if count else None,
                accuracy_interval=wilson_interval(int(hits[number]), int(count)),
            )
            for number, count in enumerate(counts)
        ),
    )
