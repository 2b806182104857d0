"""A classifier whose pruned filters are really gone: smaller, and as fast as that makes it."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mlcore.checkpoint import load_checkpoint_file
from mlcore.checkpoint.file_format import FileInfo, write_checkpoint_file
from mlcore.export.agreement import compare_outputs
from mlcore.image_classification.wiring import ImageSet, Wiring
from mlcore.runs import RunFolder

FILE = "narrow.pt"
TOLERANCE = 1e-4  # of the largest logit: the same sums without their zeros, in another order
_KEPT = ("config", "means", "deviations", "classes")
_ROUNDS, _TIMED_IMAGES = 7, 256


@dataclass(frozen=True)
class NarrowModel:
    """The smaller classifier beside the one with the zeros.

    Attributes:
        file: its checkpoint.
        num_parameters: of it.
        flops: of its forward pass for an image; `flops_before` those of the other.
        images_per_s: forward passes, median of rounds in turns with the other; `images_per_s_before` the other's.
    """

    file: str
    num_parameters: int
    flops: int
    flops_before: int
    images_per_s: float
    images_per_s_before: float


def narrow(run: RunFolder, images: ImageSet, device: torch.device, wiring: Wiring) -> NarrowModel | None:
    """Write narrow.pt into a run of pruned filters, and measure it; None where the model cannot be made narrower.

    A model says by its method `without_removed_filters` that it can; it raises ValueError where its config cannot say
    the widths that are left.
    """
    best = run.checkpoints / "best.pt"
    classifier = wiring.read_classifier(best, device)
    make = getattr(classifier.model, "without_removed_filters", None)
    if make is None:
        return None
    try:
        model = make()
    except ValueError as error:
        print(f"not made narrower: {error}")
        return None
    path = run.path / FILE
    _write(path, best, model)
    smaller = wiring.read_classifier(path, device)
    agreement = compare_outputs(smaller.predict(images), classifier.predict(images), TOLERANCE)
    assert agreement.holds, f"the narrow network is another one: {agreement}"
    batch, _ = next(iter(classifier.batches(images, min(_TIMED_IMAGES, len(images)))))
    batch = batch.to(device)
    speed, speed_before = rates_in_turns(smaller.model, classifier.model, batch)
    return NarrowModel(
        path.name,
        sum(parameter.numel() for parameter in smaller.model.parameters()),
        forward_flops(smaller.model, batch),
        forward_flops(classifier.model, batch),
        speed,
        speed_before,
    )


def forward_flops(model: nn.Module, batch: Tensor) -> int:
    """Operations of the forward pass for an image of the batch (B, C, H, W), by torch's counter."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(batch)
    return counter.get_total_flops() // len(batch)


def rates_in_turns(first: nn.Module, second: nn.Module, batch: Tensor) -> tuple[float, float]:
    """Images a second of two models: medians of rounds in which both have their turn, after one that does not count."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS + 1):
        for model, times in zip((first, second), seconds, strict=True):
            times.append(_seconds_of(model, batch))
    rates = [len(batch) / statistics.median(times[1:]) for times in seconds]
    return rates[0], rates[1]


def _seconds_of(model: nn.Module, batch: Tensor) -> float:
    begin = time.perf_counter()
    with torch.inference_mode():
        model(batch).sum().item()  # waits for the device
    return time.perf_counter() - begin


def _write(path: Path, best: Path, model: Any) -> None:
    """A checkpoint to judge and to export; not one to train on from."""
    state = load_checkpoint_file(best)
    own = {key: state[key] for key in _KEPT if key in state}
    content = {**own, "model_config": model.config.model_dump(mode="json"), "model": model.state_dict()}
    write_checkpoint_file(path, content, FileInfo(int(state["progress"]["step"]), None, "none", 0))
