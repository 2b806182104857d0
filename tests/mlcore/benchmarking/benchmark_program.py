"""Measures a variant that hangs, as a command would. Run as a child by the tests."""

import sys
from pathlib import Path

from mlcore.benchmarking import BenchmarkSettings, ModelBenchmark, Variant
from mlcore.cli import run_command

HERE = Path(__file__).parent
PID_FILE = sys.argv[1]


def command(config: None, options: object) -> None:
    """Measure a variant that hangs."""
    sys.path.insert(0, str(HERE))
    arguments = {"pid_file": PID_FILE, "with_child": True}
    ModelBenchmark([Variant("a", "benchmark_targets:hanging", arguments)], BenchmarkSettings(rounds=1)).run()


if __name__ == "__main__":
    sys.exit(run_command(command, schema=None, argv=[], project=HERE, flags="none"))
