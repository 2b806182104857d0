"""The command `benchmark`: what bfloat16 and channels that lie side by side do to a training step."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from mlcore.benchmarking import (
    BenchmarkResult,
    ModelBenchmark,
    Story,
    Variant,
    Workload,
    measure_cases,
    new_folder,
)
from mlcore.benchmarking.choosing import chosen_names, settings_of
from mlcore.cli import Options
from mlcore.machine_settings import trainer_workload
from rich.console import Console

from cifar_cnn.config import ExperimentConfig
from cifar_cnn.tuning import make_training

TITLE = "A training step in float32 and in bfloat16"
LEAD = (
    "A step is forward, backward, clipping, the optimizer, and reading the loss, on batches that are ready. "
    "float32 in planes is what torch does without being told anything."
)
REFERENCE = "float32_planes"
# The fourth without our own kernels: for speed_net, torch's pooling, BatchNorm and GELU.
TORCH_LAYERS = "bfloat16_torch_layers"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    REFERENCE: {"precision": "off", "channels_last": False},
    "float32_channels_last": {"precision": "off", "channels_last": True},
    "bfloat16_planes": {"precision": "bf16", "channels_last": False},
    "bfloat16_channels_last": {"precision": "bf16", "channels_last": True},
    TORCH_LAYERS: {"precision": "bf16", "channels_last": True},
}
NUM_BATCHES = 2


@dataclass(frozen=True)
class Case:
    """One configuration in all variants."""

    key: str
    benchmark: ModelBenchmark

    def compared(self, result: BenchmarkResult) -> BenchmarkResult:
        """With torch's own defaults and its own layers, those of them that were asked for."""
        names = [one.name for one in result.measurements]
        return result.against(*(name for name in (REFERENCE, TORCH_LAYERS) if name in names))


def run_benchmark(config: ExperimentConfig, options: Options) -> int:
    """Measure and write; the exit code is 1 where a variant failed."""
    extra = options.extra
    content = config.model_copy(update={"seed": extra["seed"]}).model_dump(mode="json", exclude_unset=True)
    content |= {"seed": extra["seed"]} | ({"device": extra["device"]} if extra["device"] else {})
    variants = [
        Variant(
            name,
            "cifar_cnn.step_benchmark:step_on_ready_batches",
            {"config": content, **VARIANTS[name]},
            environment={"MLMODELS_NATIVE": "off"} if name == TORCH_LAYERS else {},
        )
        for name in chosen_names(extra["variants"], list(VARIANTS))
    ]
    title = f"{config.model.type}, batches of {config.training.batch_size}, training"
    benchmark = ModelBenchmark(variants, settings_of(extra), title=title, unit="images")
    folder = extra["output"] or new_folder(options.runs_dir)
    story = Story("training", TITLE, LEAD, extra["seed"])
    return measure_cases([Case(config.name, benchmark)], folder, story, Console(highlight=False))


def step_on_ready_batches(config: dict[str, Any], precision: str, channels_last: bool) -> Workload:
    """One update on batches that are made before; called in a process of its own."""
    training = {**config.get("training", {}), "mixed_precision": precision}
    trainer, loader = make_training(ExperimentConfig.model_validate({**config, "training": training}))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    trainer.model.to(memory_format=layout)
    batches = [
        (images.contiguous(memory_format=layout), labels) for images, labels in islice(loader, NUM_BATCHES)
    ]
    return trainer_workload(trainer, batches)
