"""Do the training and the evaluation pipeline deliver inputs on the same scale?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlcore.sanity.bench import Bench
from mlcore.sanity.check_result import Finding, skip

EXPECTED = (
    "finite; channel means within {mean:g} sd, sd and range within a factor {sd:g} (and sampling error)"
)
# Beyond the sampling error: augmentation moves mean and spread a little, missing normalisation a lot.
MEAN_ALLOWANCE = 0.1
SPREAD_FACTOR = 1.25
RANGE_FACTOR = 1.5
# Standard errors that are put down to chance: two-sided probability 6e-7 a channel.
Z = 5.0
# Root mean squares beyond these belong to inputs that nobody has scaled (bytes from 0 to 255: about 80).
LARGEST_RMS, SMALLEST_RMS = 10.0, 0.01


@dataclass(frozen=True)
class ChannelStatistics:
    """Of one channel of one pipeline; the errors are those of a mean over independent examples."""

    mean: float
    mean_error: float
    square: float
    square_error: float
    low: float
    high: float

    @property
    def deviation(self) -> float:
        """Standard deviation around ``mean``."""
        return max(self.square - self.mean**2, 0.0) ** 0.5

    def as_dict(self) -> dict[str, float]:
        """For the report."""
        return {"mean": self.mean, "deviation": self.deviation, "low": self.low, "high": self.high}


def check(bench: Bench) -> Finding:
    """Compares the pipelines channel by channel. False-alarm probability about 1e-6 a channel, less with the
    allowances.
    """
    training, validation = bench.training[0], bench.validation
    if not training.is_floating_point():
        return skip(f"inputs are {training.dtype}: there is no scale to compare")
    everything = [training] if validation is None else [training, validation[0]]
    expected = EXPECTED.format(mean=MEAN_ALLOWANCE, sd=SPREAD_FACTOR)
    if not all(bool(torch.isfinite(inputs).all()) for inputs in everything):
        return Finding("NaN or infinite inputs", expected, ("inputs are not finite: see the normalisation",))
    if validation is not None and validation[0].shape[1:] != training.shape[1:]:
        shapes = f"{tuple(training.shape[1:])} in training, {tuple(validation[0].shape[1:])} in evaluation"
        return Finding(shapes, expected, ("the pipelines deliver other shapes: compare their transforms",))
    statistics = [channel_statistics(inputs) for inputs in everything]
    problems = _scale_problems(statistics[0])
    if validation is not None:
        for index, (ours, theirs) in enumerate(zip(*statistics, strict=True)):
            problems += _differences(index, ours, theirs)
    details: dict[str, Any] = {
        name: [one.as_dict() for one in channels]
        for name, channels in zip(("training", "validation"), statistics, strict=False)
    }
    return Finding(_summary(statistics), expected, tuple(problems), details)


def channel_statistics(inputs: Tensor) -> list[ChannelStatistics]:
    """Of inputs (N, C, ...) channel by channel; features (N, D) count as one channel."""
    if inputs.ndim < 3:
        inputs = inputs.reshape(len(inputs), 1, -1)
    channels = inputs.detach().double().flatten(2).cpu()
    return [_of_channel(channels[:, index]) for index in range(channels.shape[1])]


def _of_channel(values: Tensor) -> ChannelStatistics:
    """Of values (N, M): M of each of N independent examples."""
    means, squares = values.mean(dim=1), (values**2).mean(dim=1)
    root = len(values) ** 0.5
    ordered = values.flatten()[:: max(1, values.numel() // 200_000)].sort().values
    edge = len(ordered) // 1000  # a lone outlier says nothing about the scale
    return ChannelStatistics(
        float(means.mean()),
        float(means.std()) / root,
        float(squares.mean()),
        float(squares.std()) / root,
        float(ordered[edge]),
        float(ordered[-1 - edge]),
    )


def _scale_problems(channels: list[ChannelStatistics]) -> list[str]:
    rms = (sum(channel.square for channel in channels) / len(channels)) ** 0.5
    if SMALLEST_RMS <= rms <= LARGEST_RMS:
        return []
    return [f"training inputs have a root mean square of {rms:.3g}: scale them to about 1"]


def _differences(index: int, training: ChannelStatistics, validation: ChannelStatistics) -> list[str]:
    problems = []
    allowed = MEAN_ALLOWANCE * training.deviation
    allowed += Z * (training.mean_error**2 + validation.mean_error**2) ** 0.5
    if abs(training.mean - validation.mean) > allowed:
        problems.append(f"means {training.mean:.3f} and {validation.mean:.3f}")
    # Relative error of a standard deviation: half that of the mean square.
    relative = 0.5 * Z * (_relative_error(training) ** 2 + _relative_error(validation) ** 2) ** 0.5
    if not _within(training.deviation, validation.deviation, SPREAD_FACTOR * (1 + relative)):
        problems.append(f"standard deviations {training.deviation:.3f} and {validation.deviation:.3f}")
    widths = training.high - training.low, validation.high - validation.low
    if not _within(*widths, RANGE_FACTOR):
        problems.append(f"ranges of width {widths[0]:.3f} and {widths[1]:.3f}")
    if not problems:
        return []
    return [
        f"channel {index} has in training and evaluation {', '.join(problems)}: "
        "normalise in both pipelines with the same constants"
    ]


def _relative_error(channel: ChannelStatistics) -> float:
    return channel.square_error / max(channel.deviation**2, 1e-30)


def _within(first: float, second: float, factor: float) -> bool:
    low, high = sorted((first, second))
    return high <= factor * low + 1e-12


def _summary(statistics: list[list[ChannelStatistics]]) -> str:
    parts = []
    for name, channels in zip(("training", "evaluation"), statistics, strict=False):
        means = "/".join(f"{channel.mean:.2f}" for channel in channels[:3])
        deviations = "/".join(f"{channel.deviation:.2f}" for channel in channels[:3])
        low, high = min(c.low for c in channels), max(c.high for c in channels)
        parts.append(f"{name} mean {means}, sd {deviations}, range {low:.2f} to {high:.2f}")
    return "; ".join(parts)
