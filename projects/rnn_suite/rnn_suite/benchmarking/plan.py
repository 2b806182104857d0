"""What the command measures: one benchmark for every model and dtype, each with the same variants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlcore.benchmarking import BenchmarkResult, BenchmarkSettings, ModelBenchmark, Variant
from mlcore.benchmarking.choosing import chosen_dtypes, chosen_names, settings_of
from mlcore.device import choose_device

from rnn_suite.benchmarking.options import MODELS
from rnn_suite.config import ExperimentConfig
from rnn_suite.summary import vocabulary_of

PEER = "torch"
# `fast` is `auto`: the fused kernels on a CPU, what is fastest on other devices. The fact "path" says what it was.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "fast": {"layer_norm": False, "kernels": "auto"},
    "reference": {"layer_norm": False, "kernels": "reference"},
    PEER: {"layer_norm": False},
    "layer_norm": {"layer_norm": True, "kernels": "auto"},
}
OURS, THEIRS = (f"rnn_suite.benchmarking.workloads:{name}" for name in ("ours", "theirs"))
# An optimizer's first step imports the compiler's front end (150 MiB), which is no model's memory.
LOADED_BY_ALL = ("torch", "torch._dynamo")
NO_DROPOUT = {"dropout": 0.0, "embedding_dropout": 0.0, "output_dropout": 0.0}


@dataclass(frozen=True)
class Case:
    """One model in one dtype."""

    key: str
    benchmark: ModelBenchmark

    def compared(self, result: BenchmarkResult) -> BenchmarkResult:
        """With torch's own layers."""
        return result.against(result.fastest([PEER]))


@dataclass(frozen=True)
class Request:
    """What was asked for, once everything is known."""

    config: ExperimentConfig
    variants: Sequence[str]
    settings: BenchmarkSettings
    device: str
    dtypes: Sequence[str]
    models: Sequence[str]
    batch_size: int
    sequence_length: int
    seed: int


def plan(config: ExperimentConfig, extra: Mapping[str, Any]) -> list[Case]:
    """The cases of a command line.

    Raises:
        ConfigError: an unknown variant.
    """
    device = choose_device(extra["device"] or config.device)
    request = Request(
        config=config,
        variants=chosen_names(extra["variants"], list(VARIANTS)),
        settings=settings_of(extra),
        device=str(device),
        dtypes=chosen_dtypes(extra["dtypes"], device),
        models=tuple(dict.fromkeys(extra["models"])) or MODELS,
        batch_size=extra["batch_size"],
        sequence_length=extra["sequence_length"] or config.data.sequence_length,
        seed=extra["seed"],
    )
    return [case_of(request, model, dtype) for model in request.models for dtype in request.dtypes]


def case_of(request: Request, model: str, dtype: str) -> Case:
    """The benchmark of one model in one dtype."""
    config = request.config
    is_encoder = model == "encoder"
    keys = {
        **config.model.model_dump(mode="json", exclude={"type", "bidirectional"}),
        **NO_DROPOUT,
        "vocab_size": vocabulary_of(config)[0],
        "type": "recurrent_classifier" if is_encoder else "recurrent_language_model",
        "bidirectional": is_encoder,
        "cell": config.model.cell if is_encoder else model,
    }
    common = {
        "training": config.training.model_dump(mode="json", exclude_unset=True),
        "batch_size": request.batch_size,
        "sequence_length": request.sequence_length,
        "dtype": dtype,
        "device": request.device,
        "seed": request.seed,
    }
    variants = [
        Variant(
            name,
            THEIRS if name == PEER else OURS,
            {**common, "model": {**keys, **VARIANTS[name]}},
            imports=LOADED_BY_ALL,
        )
        for name in request.variants
    ]
    what = f"bidirectional {keys['cell']} encoder" if is_encoder else f"{model} language model"
    size = f"{config.model.num_layers} × {config.model.hidden_size}"
    where = f"{request.batch_size} × {request.sequence_length} tokens, {dtype}, {request.device}"
    benchmark = ModelBenchmark(variants, request.settings, title=f"{what}, {size}: {where}", unit="tokens")
    return Case(f"{model}_{dtype}", benchmark)
