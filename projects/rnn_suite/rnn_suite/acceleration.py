"""The command `gpu_test`: the doctor's arithmetic, then one training step on the CPU and on the best device."""

from collections.abc import Iterable
from typing import Any

import torch
from mlcore.benchmarking import BenchmarkResult, BenchmarkSettings, ModelBenchmark, Variant, Workload
from mlcore.cli import Options
from mlcore.device import choose_precision, device_summary, get_best_device, should_use_mixed_precision
from mlcore.doctor.examination import check_arithmetic, print_results
from mlcore.machine_settings import trainer_workload
from rich.console import Console

from rnn_suite import build
from rnn_suite.config import ExperimentConfig
from rnn_suite.trainer import RecurrentTrainer

TARGET = "rnn_suite.acceleration:training_step"


def compare_devices(config: ExperimentConfig, options: Options) -> int:
    """Check and measure; 1 if the arithmetic is wrong or nothing could be measured."""
    checks = check_arithmetic()
    print_results(checks)
    console = Console(highlight=False)
    console.print(f"best device: {device_summary(get_best_device())}")
    variants = variants_of(config, options.extra["batch_size"] or config.training.batch_size)
    settings = BenchmarkSettings(rounds=options.extra["rounds"], steps_per_round=1, warm_up_steps=1)
    result = ModelBenchmark(variants, settings, title=f"{config.name}: a training step", unit="tokens").run()
    console.print(result.against("cpu_off").table())
    console.print(advice(result))
    is_wrong = any(check.status == "failed" for check in checks)
    return int(is_wrong or all(one.failure for one in result.measurements))


def variants_of(config: ExperimentConfig, batch_size: int) -> list[Variant]:
    """The CPU and the best device, in float32 and in 16 bits where that is worth it."""
    content = config.model_dump(mode="json", exclude_unset=True)
    variants = []
    for kind in dict.fromkeys(("cpu", get_best_device().type)):
        precisions = ("off", "auto") if should_use_mixed_precision(kind) else ("off",)
        for precision in precisions:
            arguments = {
                "config": content,
                "device": kind,
                "mixed_precision": precision,
                "batch_size": batch_size,
            }
            variants.append(Variant(f"{kind}_{precision}", TARGET, arguments, imports=("torch",)))
    return variants


def training_step(config: dict[str, Any], device: str, mixed_precision: str, batch_size: int) -> Workload:
    """One update of the configuration's model on random tokens; needs no data. Called in a process of its own."""
    settings = ExperimentConfig.model_validate(config)
    changes = {"mixed_precision": mixed_precision, "batch_size": batch_size}
    training = settings.training.model_copy(update=changes)
    where = torch.device(device)
    trainer = RecurrentTrainer(
        build.make_model(settings.model, where, settings.seed), training, device=where, seed=settings.seed
    )
    return trainer_workload(trainer, list(random_batches(settings, batch_size)))


def random_batches(config: ExperimentConfig, batch_size: int) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """One update's batches of random tokens and what follows them."""
    generator = torch.Generator().manual_seed(config.seed)
    size = (batch_size, config.data.sequence_length + 1)
    for _ in range(config.training.accumulation_steps):
        windows = torch.randint(config.model.vocab_size, size, generator=generator)
        yield windows[:, :-1].contiguous(), windows[:, 1:].contiguous()


def advice(result: BenchmarkResult) -> str:
    """The device and precision to take, from what was measured."""
    best = result.fastest([one.name for one in result.measurements])
    if best is None:
        return "nothing could be measured"
    if all(one.name.startswith("cpu") for one in result.measurements) and best == "cpu_off":
        return "no accelerator, and no 16-bit products: --device cpu --mixed-precision off is all there is"
    kind, _, precision = best.partition("_")
    name = choose_precision(precision, kind).name
    return f"fastest here: --device {kind} --mixed-precision {precision} ({name})"
