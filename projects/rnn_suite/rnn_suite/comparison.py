"""The command `compare`: cells with and without layer norm at equal parameters and equal tokens, n seeds each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcore.benchmarking.choosing import chosen_names
from mlcore.cli import Options
from mlcore.environment import describe_environment
from mlcore.errors import ConfigError
from mlcore.experiments.run_record import RunRecord, read_record
from mlcore.logger.plain_values import write_json_atomic
from mlcore.runs import RunFolder
from mlcore.statistics import ModelStatistics
from mlcore.statistics.figure import draw_models
from mlcore.study import Job, StudyResult, run_study
from mlcore.study.base_config import write_base
from mlcore.study.seeds import parse_seeds
from mlcore.study.training_command import training_command
from mlmodels.recurrent.config import RecurrentLanguageModelConfig
from mlmodels.recurrent.equal_size import with_num_parameters
from mlmodels.recurrent.size import count_parameters
from rich.console import Console

from rnn_suite import build
from rnn_suite.comparison_table import figures_of, figures_table, markdown_lines
from rnn_suite.config import ExperimentConfig

REFERENCE = "lstm"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    f"{cell}{'_layer_norm' if layer_norm else ''}": {"cell": cell, "layer_norm": layer_norm}
    for layer_norm in (False, True)
    for cell in ("lstm", "gru", "rnn")
}
LOSS = "validation.loss"


@dataclass(frozen=True)
class Contender:
    """One variant and the sizes that give it its parameters."""

    name: str
    model: RecurrentLanguageModelConfig

    @property
    def settings(self) -> list[str]:
        """What it sets in the configuration that all share."""
        keys = ("cell", "layer_norm", "embedding_size", "hidden_size")
        return [f"name={self.name}", *(f"model.{key}={getattr(self.model, key)}".lower() for key in keys)]


def compare(config: ExperimentConfig, options: Options) -> int:
    """Train what is not trained yet, and compare; 1 if a run failed."""
    check_equal_tokens(config)
    seeds = parse_seeds(options.extra["seeds"])
    folder = options.extra["output"] or options.runs_dir / "studies" / config.name
    # Resolved: with the tokenizer's vocabulary. The text is prepared by the way, so that the runs find it.
    config = build.prepare(config).config
    contenders = make_contenders(config, options.extra["variants"], options.extra["parameters"])
    base = write_base(config, folder)
    study = run_study(
        [job_of(options.project, folder, base, one, seed) for seed in seeds for one in contenders],
        folder,
        num_workers=options.extra["workers"],
    )
    print(study.table())
    report(study, contenders, seeds, folder)
    return study.exit_code


def check_equal_tokens(config: ExperimentConfig) -> None:
    """Refuse what would let one model see more text than another.

    Raises:
        ConfigError: the length of a run depends on its losses or on the clock.
    """
    for key in ("early_stopping", "max_minutes"):
        if getattr(config.training, key) is not None:
            raise ConfigError(f"training.{key} must be null: all models are compared after as many tokens")


def make_contenders(
    config: ExperimentConfig, names: str | None, num_parameters: int | None = None
) -> list[Contender]:
    """The variants of a resolved configuration with their sizes.

    Raises:
        ConfigError: an unknown variant, none that is the reference, or no sizes with so many parameters.
    """
    chosen = chosen_names(names, list(VARIANTS))
    if REFERENCE not in chosen:
        raise ConfigError(f"command line: --variants: {REFERENCE} is the reference; name it, too")
    model = config.model
    wanted = num_parameters or count_parameters(model)["total"]
    contenders = []
    for name in chosen:
        try:
            own = with_num_parameters(model.model_copy(update=VARIANTS[name]), wanted)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}: choose another number with --parameters") from None
        contenders.append(Contender(name, own))
    return contenders


def job_of(project: Path, folder: Path, base: Path, contender: Contender, seed: int) -> Job:
    """Training of one variant with one seed."""
    command = training_command(
        project, config=base, seed=seed, runs_dir=folder / "runs", settings=contender.settings
    )
    return Job(f"{contender.name}_{seed}", command, resumes=True)


def records_of(
    study: StudyResult, contenders: Sequence[Contender], seeds: Sequence[int]
) -> dict[str, dict[int, RunRecord]]:
    """The finished runs by variant and seed.

    Raises:
        ConfigError: a run without a validation loss.
    """
    found: dict[str, dict[int, RunRecord]] = {}
    for one in contenders:
        for seed in seeds:
            result = study[f"{one.name}_{seed}"]
            if result.status == "done" and result.run_path is not None:
                record = read_record(RunFolder(result.run_path))
                if LOSS not in record.metrics:
                    raise ConfigError(
                        f"{record.path}: no {LOSS} in its evaluation.json; delete it and compare again"
                    )
                found.setdefault(one.name, {})[seed] = record
    return found


def report(study: StudyResult, contenders: Sequence[Contender], seeds: Sequence[int], folder: Path) -> None:
    """Figures of every variant, paired tests against the reference, plot and JSON."""
    records = records_of(study, contenders, seeds)
    if REFERENCE not in records:
        print(f"no finished run of {REFERENCE}: nothing to compare with")
        return
    losses = {
        name: {seed: record.metrics[LOSS] for seed, record in runs.items()} for name, runs in records.items()
    }
    statistics = ModelStatistics(losses, metric="validation loss, nats per token", higher_is_better=False)
    tests = statistics.compare_all(REFERENCE)
    figures = [
        figures_of(one.name, one.model, list(records[one.name].values()))
        for one in contenders
        if one.name in records
    ]
    console = Console()
    console.print(figures_table(figures), "", tests.table())
    lines = [*markdown_lines(figures), "", *tests.markdown().splitlines()]
    content = {
        "seeds": list(seeds),
        "repeats": len(seeds),
        "table": lines,
        "variants": {one.variant: one.as_dict() for one in figures},
        "statistics": statistics.as_dict(),
        "comparisons": tests.as_dict(),
        "runs": [{"key": result.key, "status": result.status} for result in study],
        "environment": {k: v for k, v in describe_environment().items() if k != "command"},
    }
    write_json_atomic(folder / "compare.json", content)
    (folder / "compare.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw_models(statistics).savefig(folder / "compare.png", dpi=144, metadata={"Software": None})
    print(f"\nstudy   {folder}")
