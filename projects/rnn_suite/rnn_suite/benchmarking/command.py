"""The command `benchmark`: the cases of a command line, measured and written by the core."""

from mlcore.benchmarking import Story, measure_cases, new_folder
from mlcore.cli import Options
from rich.console import Console

from rnn_suite.benchmarking.plan import plan
from rnn_suite.config import ExperimentConfig

TITLE = "A training step: our recurrent layers beside torch's"
LEAD = (
    "A step is forward, backward, clipping to the global norm, the optimizer, and reading the loss. All variants have "
    "the same embedding, head and batch; those without layer norm begin with the same weights."
)


def run_benchmark(config: ExperimentConfig, options: Options) -> int:
    """Measure and write; the exit code is 1 where a variant failed."""
    cases = plan(config, options.extra)
    story = Story("training", TITLE, LEAD, options.extra["seed"])
    folder = options.extra["output"] or new_folder(options.runs_dir)
    return measure_cases(cases, folder, story, Console(highlight=False))
