"""A profile of a training step: measured by the clock first, then once more under torch's profiler."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mlcore.environment import describe_environment
from mlcore.logger.memory import peak_memory_bytes
from mlcore.machine_settings import trainer_workload
from mlcore.profiling.costs import own_flops, own_parameters, peak_tensor_bytes
from mlcore.profiling.phases import STEP, PhaseClock, TimedLoader, named_parts, time_parts_of
from mlcore.profiling.trace import OUTSIDE, LayerTime, OperatorTime, TraceTotals, add_up, watch_layers
from mlcore.trainer.batch import to_device

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer
    from mlcore.trainer.protocols import Loader


@dataclass(frozen=True)
class LayerCost:
    """A module without the modules in it; times are of one traced step.

    Attributes:
        kind: its class.
        flops: of a step, forward and backward.
        num_bytes: what its forward pass left allocated.
    """

    name: str
    kind: str
    parameters: int
    flops: int
    forward_s: float
    backward_s: float
    device_s: float
    num_bytes: int


@dataclass(frozen=True)
class StepProfile:
    """Everything that was found.

    Attributes:
        name: of the configuration.
        device: where the model is.
        items_per_step: of each step.
        step_s: seconds of every step, measured from outside.
        parts_s: mean seconds of every part of these steps.
        traced_s: mean seconds of a step under the profiler.
        operators: seconds over all traced steps.
        num_traced: how many these are.
        layers: in the model's order; the last is what lies outside of it.
        peak_bytes: of the process, or of the accelerator where one is used.
        peak_tensor_bytes: most that the tensors of a traced step held beyond what was there before.
        environment: the machine.
    """

    name: str
    device: str
    items_per_step: int
    step_s: tuple[float, ...]
    parts_s: dict[str, float]
    traced_s: float
    operators: tuple[OperatorTime, ...]
    num_traced: int
    layers: tuple[LayerCost, ...]
    peak_bytes: int
    peak_tensor_bytes: int | None
    environment: dict[str, Any]

    @property
    def mean_step_s(self) -> float:
        """Mean seconds of a step."""
        return statistics.fmean(self.step_s)

    @property
    def items_per_s(self) -> float:
        """Items a second."""
        return self.items_per_step / self.mean_step_s

    @property
    def parameters(self) -> int:
        """Of the whole model."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def flops(self) -> int:
        """Operations of a step."""
        return sum(layer.flops for layer in self.layers)

    @property
    def covered(self) -> float:
        """The parts together over the step as it was measured from outside; 1 if nothing is lost or counted twice."""
        return sum(self.parts_s.values()) / self.mean_step_s

    def share(self, part: str) -> float:
        """A part's share of all parts."""
        return self.parts_s.get(part, 0.0) / sum(self.parts_s.values())

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "schema": 1,
            **asdict(self),
            "mean_step_s": self.mean_step_s,
            "items_per_s": self.items_per_s,
            "parameters": self.parameters,
            "flops_per_step": self.flops,
            "covered": self.covered,
        }


def profile_training(
    trainer: BaseTrainer, loader: Loader, *, name: str, warmup: int, steps: int, traced: int, trace: Path
) -> StepProfile:
    """Profile updates of a fresh trainer, which is good for nothing else afterwards.

    Args:
        trainer: silent, without checkpoints.
        loader: of its training batches.
        warmup: steps before anything is measured.
        steps: measured by the clock, without a profiler.
        traced: under the profiler, after those.
        trace: file of the Chrome trace; its folder exists.
    """
    model, device = trainer.model, trainer.device
    kinds = {layer: type(module).__name__ for layer, module in model.named_modules()}
    flops = own_flops(trainer, to_device(next(iter(loader)), device))
    parameters = own_parameters(model)
    clock = PhaseClock(synchronise=_waiting_for(device))
    time_parts_of(trainer, clock)
    workload = trainer_workload(trainer, TimedLoader(loader, clock))
    step = clock.around(STEP, workload.step)
    for _ in range(warmup):
        step()
    clock.take()
    seconds = [_seconds_of(step, device) for _ in range(steps)]
    parts = {part: total / steps for part, total in named_parts(clock.take()).items()}
    totals = _trace(trainer, step, traced, trace)
    costs = [
        _cost(layer, kind, parameters[layer], flops[layer], totals, traced) for layer, kind in kinds.items()
    ]
    outside = _cost(OUTSIDE, "", 0, 0, totals, traced)
    return StepProfile(
        name=name,
        device=str(device),
        items_per_step=int(workload.items_per_step),
        step_s=tuple(seconds),
        parts_s=parts,
        traced_s=totals.seconds / traced,
        operators=tuple(totals.operators),
        num_traced=traced,
        layers=(*costs, outside),
        peak_bytes=peak_memory_bytes(device),
        peak_tensor_bytes=peak_tensor_bytes(trace),
        environment=describe_environment(),
    )


def _trace(trainer: BaseTrainer, step: Any, num_steps: int, trace: Path) -> TraceTotals:
    handles = watch_layers(trainer.model)
    activities = [torch.profiler.ProfilerActivity.CPU]
    if trainer.device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    try:
        with torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
            for _ in range(num_steps):
                step()
    finally:
        for handle in handles:
            handle.remove()
    profiler.export_chrome_trace(str(trace))
    return add_up(list(profiler.events() or []))


def _cost(
    name: str, kind: str, parameters: int, flops: int, totals: TraceTotals, num_steps: int
) -> LayerCost:
    time_of = totals.layers.get(name or "(model)", LayerTime(name))
    return LayerCost(
        name or "(model)",
        kind,
        parameters,
        flops,
        time_of.forward_s / num_steps,
        time_of.backward_s / num_steps,
        time_of.device_s / num_steps,
        time_of.num_bytes // num_steps,
    )


def _seconds_of(step: Any, device: torch.device) -> float:
    wait = _waiting_for(device)
    wait()
    begin = time.perf_counter()
    step()
    wait()
    return time.perf_counter() - begin


def _waiting_for(device: torch.device) -> Any:
    """Waits until the device has done all that it was asked for."""
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        return torch.mps.synchronize
    return lambda: None
