"""The command `study`: eras × seeds as processes of `train`, after the canary, and the page about them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.environment import describe_environment
from mlcore.errors import ConfigError, RunNotFoundError
from mlcore.logger.plain_values import write_json_atomic
from mlcore.study import Job, run_study
from mlcore.study.base_config import variables_of
from mlcore.study.seeds import parse_seeds
from mlcore.study.training_command import training_command
from mldata.prepared_text import PreparedText, prepare_text
from mldata.splits import HELD_OUT_RULE
from mlmodels.transformer_eras.presets import sizes_of
from mlmodels.transformer_eras.size import flops_per_token

from transformer_phases import build
from transformer_phases.canary import CanaryResult, check_causality, check_phase
from transformer_phases.config import ExperimentConfig
from transformer_phases.study_page import write_page
from transformer_phases.study_results import read_results

STUDY_FILE = "study.json"


def run_phases(options: Options) -> int:
    """Refuse what cannot be compared, sing the canary, train what is not trained yet, report; 1 if a run failed."""
    folder = options.extra["output"] or default_folder(options)
    seeds = parse_seeds(options.extra["seeds"])
    entries = load_entries(
        options.project, options.extra["configs"], options.extra["settings"], options.extra["share"]
    )
    configs = [entry.config for entry in entries]
    check_comparable(configs)
    canary = check_for_leaks(configs)
    text = prepare_text(configs[0].data)  # once here, so that the processes find the tokens made
    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / STUDY_FILE, describe(options, configs, seeds, canary, text))
    # Seed by seed, so that a study that is cut short has pairs.
    study = run_study(
        [training_job(options, folder, entry, seed) for seed in seeds for entry in entries],
        folder,
        num_workers=options.extra["workers"],
    )
    print(study.table())
    report(folder)
    return study.exit_code


def report_again(options: Options) -> int:
    """The page of a study that has run before."""
    folder = options.extra["study"] or default_folder(options)
    if not (folder / STUDY_FILE).is_file():
        raise RunNotFoundError(
            f"{folder} holds no {STUDY_FILE}: run a study, or name its folder with --study"
        )
    report(folder)
    return 0


def report(folder: Path) -> None:
    """Write the page, and name it."""
    page = write_page(read_results(folder))
    print(f"\nstudy   {folder}\nreport  {page}")


def default_folder(options: Options) -> Path:
    """Where a study lies that names no folder."""
    return options.runs_dir / "studies" / "phases"


@dataclass(frozen=True)
class Entry:
    """A configuration of the study, with what is set in it."""

    path: Path
    settings: tuple[str, ...]
    config: ExperimentConfig


def load_entries(project: Path, names: str, settings: Sequence[str], share: float = 1.0) -> list[Entry]:
    """The configurations of a list of names, shortened to a share of their steps."""
    folder = project / "configs"
    paths = [folder / f"{name.strip()}.yaml" for name in names.split(",")]
    if len(set(paths)) != len(paths):
        raise ConfigError(f"command line: --configs: {names!r} holds a name twice")

    def load(path: Path, given: Sequence[str]) -> ExperimentConfig:
        return load_config(ExperimentConfig, path, overrides=list(given), search=(project, folder))

    entries = []
    for path in paths:
        given = [*settings, *shortened(load(path, settings), share)]
        entries.append(Entry(path, tuple(given), load(path, given)))
    return entries


def shortened(config: ExperimentConfig, share: float) -> list[str]:
    """Settings that keep a configuration's shape over time at a share of its length."""
    if share == 1:
        return []
    training = config.training
    lengths = {
        "steps": training.steps,
        "eval_every": training.eval_every,
        "save_every": training.save_every,
        "log_every": training.log_every,
        "schedule.warmup_steps": getattr(training.schedule, "warmup_steps", None),
    }
    return [f"training.{key}={max(1, round(share * n))}" for key, n in lengths.items() if n]


def check_comparable(configs: Sequence[ExperimentConfig]) -> None:
    """Pairs share a seed, and with it the text, the windows, their order and the number of tokens.

    Raises:
        ConfigError: two configurations would not see the same tokens in the same order.
    """
    first = configs[0]
    for other in configs[1:]:
        differences = [
            key
            for key in type(first.data).model_fields
            if getattr(first.data, key) != getattr(other.data, key)
        ]
        names = f"{first.name} and {other.name}"
        if differences:
            raise ConfigError(f"{names} differ in data.{differences[0]}: their runs are no pairs")
        if first.training.batch_size != other.training.batch_size:
            raise ConfigError(
                f"{names} differ in training.batch_size: the same seed would give another order of windows; "
                "use training.accumulation_steps for larger steps"
            )
        if num_tokens(first) != num_tokens(other):
            raise ConfigError(
                f"{names} train on {num_tokens(first):,} and {num_tokens(other):,} tokens: no pairs"
            )
    for config in configs:
        if config.training.steps is None:
            raise ConfigError(f"{config.name}: a study needs training.steps")


def num_tokens(config: ExperimentConfig) -> int:
    """Tokens of a whole training."""
    training = config.training
    per_step = training.batch_size * training.accumulation_steps * config.data.sequence_length
    return (training.steps or 0) * per_step


def check_for_leaks(configs: Sequence[ExperimentConfig]) -> list[CanaryResult]:
    """The exact test of every model of the study, then the canary of every era in it.

    Raises:
        LeakSuspectedError: a model sees what it is to predict.
    """
    for config in configs:
        check_causality(build.make_model(config.era, torch.device("cpu"), config.seed))
    results = [check_phase(phase) for phase in phases_to_check(configs)]
    for result in results:
        print(result, flush=True)
    return results


def phases_to_check(configs: Sequence[ExperimentConfig]) -> list[Any]:
    """The eras of the configurations that have a nano model for the canary."""
    phases = dict.fromkeys(config.era.phase for config in configs if config.era.phase is not None)
    return [phase for phase in phases if "nano" in sizes_of(phase)]


def training_job(options: Options, folder: Path, entry: Entry, seed: int) -> Job:
    """Training of one configuration with one seed, evaluation and samples included."""
    config = entry.config
    command = training_command(
        options.project, config=entry.path, seed=seed, runs_dir=folder / "runs", settings=entry.settings
    )
    weight = num_tokens(config) * flops_per_token(config.era, config.data.sequence_length)
    return Job(f"{config.name}_{seed}", command, env=variables_of(config), weight=weight, resumes=True)


def describe(
    options: Options,
    configs: Sequence[ExperimentConfig],
    seeds: Sequence[int],
    canary: Sequence[CanaryResult],
    text: PreparedText,
) -> dict[str, Any]:
    """What study.json holds: what is compared, on which data, on which machine, and that nothing leaks."""
    return {
        "configs": {config.name: config.model_dump(mode="json") for config in configs},
        "seeds": list(seeds),
        "tokens": num_tokens(configs[0]),
        "canary": [asdict(result) for result in canary],
        "data": data_manifest(text),
        "environment": describe_environment(options.project),
    }


def data_manifest(text: PreparedText) -> dict[str, Any]:
    """Counts, split rule and hashes of the text and of its tokens."""
    from mldata.registry import spec

    entry = spec(text.choice.dataset)
    parts = {"train": text.train_tokens.manifest, "validation": text.val_tokens.manifest}
    is_cut_by_hash = "validation" not in entry.hub_splits and not entry.is_embedded
    return {
        "dataset": entry.name,
        "split_rule": HELD_OUT_RULE.format(share=entry.held_out) if is_cut_by_hash else "the data set's own",
        "tokenizer": {"name": text.tokenizer.name, "fingerprint": text.tokenizer.fingerprint},
        "splits": {
            split: {
                "num_documents": manifest.num_documents,
                "num_bytes": manifest.num_text_bytes,
                "num_tokens": manifest.num_tokens,
                "tokens_sha256": manifest.sha256,
                "source": manifest.identity,
            }
            for split, manifest in parts.items()
        },
    }
