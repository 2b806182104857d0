"""Logging of training runs: progress, metrics, trackers, FLOPs and peak memory.

Nothing heavy is imported here; rich, TensorBoard and W&B load when a logger needs them.
"""

from mlcore.logger.flops import (
    attention_flops,
    count_parameters,
    linear_flops,
    matmul_flops,
    transformer_flops_per_token,
)
from mlcore.logger.memory import peak_device_bytes, peak_memory_bytes, peak_process_bytes
from mlcore.logger.metrics_file import MetricsError, MetricsFile, iterate_metrics, read_metrics
from mlcore.logger.training_logger import TrainingLogger

__all__ = [
    "MetricsError",
    "MetricsFile",
    "TrainingLogger",
    "attention_flops",
    "count_parameters",
    "iterate_metrics",
    "linear_flops",
    "matmul_flops",
    "peak_device_bytes",
    "peak_memory_bytes",
    "peak_process_bytes",
    "read_metrics",
    "transformer_flops_per_token",
]
