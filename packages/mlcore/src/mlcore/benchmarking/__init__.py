"""Steps of training or inference measured side by side: each variant in its own process, round after round in turns.

::

    variants = [
        Variant("ours", "my_project.targets:training_step", {"batch_size": 16}),
        Variant("theirs", "my_project.targets:peer_step", {"batch_size": 16}),
    ]
    result = ModelBenchmark(variants, BenchmarkSettings(rounds=10), unit="tokens").run()
    rich.print(result.against("theirs").table())

A target builds a model and returns a `Workload`. The names come on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.benchmarking.benchmark import ModelBenchmark as ModelBenchmark
    from mlcore.benchmarking.cases import Story as Story
    from mlcore.benchmarking.cases import measure_cases as measure_cases
    from mlcore.benchmarking.folders import new_folder as new_folder
    from mlcore.benchmarking.measurement import Measurement as Measurement
    from mlcore.benchmarking.options import BENCHMARK_OPTIONS as BENCHMARK_OPTIONS
    from mlcore.benchmarking.page import write_page as write_page
    from mlcore.benchmarking.result import BenchmarkResult as BenchmarkResult
    from mlcore.benchmarking.settings import BenchmarkSettings as BenchmarkSettings
    from mlcore.benchmarking.variant import BenchmarkError as BenchmarkError
    from mlcore.benchmarking.variant import Variant as Variant
    from mlcore.benchmarking.workload import Workload as Workload

_HOMES = {
    "BENCHMARK_OPTIONS": "options",
    "BenchmarkError": "variant",
    "BenchmarkResult": "result",
    "BenchmarkSettings": "settings",
    "Measurement": "measurement",
    "ModelBenchmark": "benchmark",
    "Story": "cases",
    "Variant": "variant",
    "Workload": "workload",
    "measure_cases": "cases",
    "new_folder": "folders",
    "write_page": "page",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlcore.benchmarking' has no attribute {name!r}")
    return getattr(import_module(f"mlcore.benchmarking.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
