"""The command `optimize` of every project: it reads the space, runs the trials, and says what came out."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from mlcore.cli import Options
from mlcore.config.dumping import dump_config
from mlcore.config.loading import load_config
from mlcore.config.matching import key_paths
from mlcore.cores import num_usable_cores
from mlcore.errors import ConfigError
from mlcore.search.config import SearchConfig
from mlcore.search.plan import SearchPlan
from mlcore.search.results import SearchResult, make_result, trial_table, write_result
from mlcore.search.runner import run_search
from mlcore.search.space_check import dimensions_of
from mlcore.search.trial_store import TrialStore
from mlcore.trainer.config import TrainingConfig

_TENSORBOARD_KEY = "logging.use_tensorboard"
# What may differ between two calls of one search.
_MAY_CHANGE = {"trials", "max_minutes"}


class Searchable(Protocol):
    """The part of a project's root section that a search reads."""

    @property
    def name(self) -> str: ...

    @property
    def training(self) -> TrainingConfig: ...


def optimize(config: Any, options: Options, *, train_script: str = "train.py") -> int:
    """Search around `config` as the command line says (`SEARCH_OPTIONS`); 1 if no trial came to its end.

    Args:
        config: the project's configuration, with `name` and `training`.
        options: `--search`, `--workers`, `--trials`, `--max-minutes`, `--output` among its extras.
        train_script: the project's training command.

    Raises:
        ConfigError: the space does not fit the configuration, or the folder holds another search.
        InterruptedRun: stopped by a signal; what is done has been kept and written.
    """
    schema = type(config)
    plan = make_plan(config, options, train_script=train_script)
    keep_or_compare(plan, config)
    written: list[SearchResult] = []

    def write(store: TrialStore) -> None:
        result = make_result(plan, store.records(), store.study)
        write_result(result, schema, base_name=config.name)
        written.append(result)

    try:
        run_search(plan, on_end=write)
    finally:
        for result in written:
            print_result(result)
    return 0 if written[0].best is not None else 1


def make_plan(config: Searchable, options: Options, *, train_script: str) -> SearchPlan:
    """The search that a command line asks for; nothing is written.

    Raises:
        ConfigError: the file, or a key or value of the space, is wrong.
    """
    extra, schema = options.extra, type(config)
    assert issubclass(schema, BaseModel)
    assert isinstance(config, BaseModel)
    folders = (options.project, options.project / "searches")
    search = load_config(SearchConfig, Path(extra["search"]), search=folders)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base.yaml"
        base.write_text(dump_config(config, only_set=True), encoding="utf-8")
        dimensions = dimensions_of(search, schema, base)
    workers = extra["workers"] or num_usable_cores()
    plan = SearchPlan(
        folder=extra["output"] or options.runs_dir / "searches" / search.name,
        train_script=options.project / train_script,
        search=search,
        dimensions=dimensions,
        metric=config.training.monitor,
        mode=config.training.monitor_mode,
        num_workers=workers,
        num_trials=extra["trials"],
        max_minutes=extra["max_minutes"] or search.max_minutes,
        extra_words=("--no-tensorboard",) if _TENSORBOARD_KEY in set(key_paths(schema)) else (),
    )
    return replace(plan, num_workers=min(workers, plan.total_trials))


def keep_or_compare(plan: SearchPlan, config: BaseModel) -> None:
    """Write the space and the base into the folder; where they are there already, they must be the same.

    Raises:
        ConfigError: the folder holds another search.
    """
    texts = {
        plan.base_path: dump_config(config, only_set=True),
        plan.search_path: dump_config(plan.search.model_copy(update=dict.fromkeys(_MAY_CHANGE))),
    }
    for path, text in texts.items():
        if path.is_file() and path.read_text(encoding="utf-8") != text:
            what = "base configuration" if path == plan.base_path else "space"
            raise ConfigError(
                f"{plan.folder}: holds a search with another {what} ({path.name}); name another folder with "
                "--output, or delete this one"
            )
    plan.folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        if not path.is_file():
            temporary = path.with_suffix(".tmp")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)


def print_result(result: SearchResult) -> None:
    """The best trials, what matters, and where everything lies."""
    from rich.console import Console

    plan, best = result.plan, result.best
    bad = [record for record in result.records if record.status in ("failed", "diverged")]
    for record in bad[:5]:
        print(f"trial {record.number} {record.status}: {record.reason}")
    if len(bad) > 5:
        print(f"and {len(bad) - 5} more that failed; search.json names them")
    if best is None:
        print(f"no trial is done; their output is in {plan.folder / 'logs'}")
    else:
        Console().print(trial_table(result))
        for key, share in result.importance.items():
            print(f"{key} explains {share:.0%} of the variance of {plan.metric}")
        print(f"\nbest    {plan.best_path}")
    print(f"page    {plan.folder / 'search.html'}\nsearch  {plan.folder}")
