"""The command `precision_study`: does training with products in bfloat16 end where training in float32 ends?

"No difference shown" is not "equal". Asked is whether the difference of the mean losses is smaller than what seeds do:
paired by seed, two one-sided tests (Schuirmann, 1987) against a margin of `MARGIN` standard deviations of the float32
runs. Two runs of different seeds differ by more than that in one case of six.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcore.cli import Options
from mlcore.environment import describe_environment
from mlcore.errors import ConfigError
from mlcore.experiments.run_record import RunRecord, read_record
from mlcore.logger.plain_values import write_json_atomic
from mlcore.runs import RunFolder
from mlcore.statistics.equivalence import Equivalence, paired_equivalence_test
from mlcore.statistics.mean_tests import t_interval
from mlcore.study import Job, StudyResult, run_study
from mlcore.study.base_config import write_base
from mlcore.study.seeds import parse_seeds
from mlcore.study.training_command import training_command

from custom_transformer import build
from custom_transformer.config import ExperimentConfig

DTYPES = ("float32", "bfloat16")
LOSS = "validation.loss"
MARGIN = 2.0


def study_precision(config: ExperimentConfig, options: Options) -> int:
    """Train what is not trained yet, and test; 1 if a run failed.

    Raises:
        ConfigError: fewer than two seeds.
    """
    seeds = parse_seeds(options.extra["seeds"])
    if len(seeds) < 2:
        raise ConfigError("command line: --seeds: two or more, for the spread is the measure")
    folder = options.extra["output"] or options.runs_dir / "studies" / f"{config.name}_precision"
    # Resolved: with the tokenizer's vocabulary. The text is prepared by the way, so that the runs find it.
    config = build.prepare(config).config
    base = write_base(config, folder)
    study = run_study(
        [job_of(options.project, folder, base, dtype, seed) for seed in seeds for dtype in DTYPES],
        folder,
        num_workers=options.extra["workers"],
    )
    print(study.table())
    report(config, study, seeds, folder)
    return study.exit_code


def job_of(project: Path, folder: Path, base: Path, dtype: str, seed: int) -> Job:
    """Training in one dtype with one seed."""
    settings = (f"model.dtype={dtype}", f"name={dtype}")
    command = training_command(project, config=base, seed=seed, runs_dir=folder / "runs", settings=settings)
    return Job(f"{dtype}_{seed}", command, resumes=True)


def report(config: ExperimentConfig, study: StudyResult, seeds: Sequence[int], folder: Path) -> None:
    """Losses of both, the test, and the time that each took."""
    records = {dtype: records_of(study, dtype, seeds) for dtype in DTYPES}
    common = [seed for seed in seeds if all(seed in runs for runs in records.values())]
    if len(common) < 2:
        print("fewer than two seeds were finished in both dtypes: nothing to compare")
        return
    losses = {dtype: [records[dtype][seed].metrics[LOSS] for seed in common] for dtype in DTYPES}
    found = judge(losses["float32"], losses["bfloat16"])
    lines = markdown_lines(losses, found)
    content = {
        "config": config.name,
        "seeds": common,
        "repeats": len(common),
        "table": lines,
        "losses": losses,
        "margin_in_deviations": MARGIN,
        "equivalence": found.as_dict(),
        "environment": {key: value for key, value in describe_environment().items() if key != "command"},
    }
    write_json_atomic(folder / "precision.json", content)
    print("\n".join(lines))
    print(f"\nstudy   {folder}")


def records_of(study: StudyResult, dtype: str, seeds: Sequence[int]) -> Mapping[int, RunRecord]:
    """The finished runs of a dtype by seed."""
    found: dict[int, Any] = {}
    for seed in seeds:
        result = study[f"{dtype}_{seed}"]
        if result.status == "done" and result.run_path is not None:
            found[seed] = read_record(RunFolder(result.run_path))
    return found


def judge(float32: Sequence[float], bfloat16: Sequence[float]) -> Equivalence:
    """Whether bfloat16's losses differ from float32's of the same seeds by less than `MARGIN` deviations of these."""
    margin = MARGIN * statistics.stdev(float32)
    return paired_equivalence_test(bfloat16, float32, margin=margin)


def markdown_lines(losses: Mapping[str, Sequence[float]], found: Equivalence) -> list[str]:
    """A table of the losses, and the test in a sentence."""
    lines = [
        "| products in | validation loss, nats a token | spread over seeds | n |",
        "| --- | ---: | ---: | ---: |",
    ]
    for dtype, values in losses.items():
        mean, spread = statistics.fmean(values), statistics.stdev(values)
        low, high = t_interval(mean, spread / len(values) ** 0.5, len(values) - 1, 0.95)
        lines.append(f"| {dtype} | {mean:.4f} [{low:.4f}, {high:.4f}] | {spread:.4f} | {len(values)} |")
    return [*lines, "", f"bfloat16 against float32, paired by seed: {found}"]
