"""Runs of one recipe: the same configuration, other seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlcore.experiments.flattening import Flat, differences, value_text
from mlcore.experiments.run_record import SEED_KEYS, RunRecord

_MOST_KEYS_IN_LABEL = 3


@dataclass(frozen=True)
class RunGroup:
    """Runs whose configurations are alike but for the seed.

    Attributes:
        label: the run's name; where several groups have it, with the keys in which they differ.
        name: the run's name.
        config: dotted keys without the seed.
        records: the runs, oldest first.
    """

    label: str
    name: str
    config: Flat
    records: tuple[RunRecord, ...]

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seeds, each once, in the order in which they were first run."""
        return tuple(dict.fromkeys(record.seed for record in self.records))

    @property
    def commits(self) -> tuple[str | None, ...]:
        """The commits that the runs were made with. More than one: the group may mix different programs."""
        return tuple(dict.fromkeys(record.commit for record in self.records))

    def by_seed(self) -> dict[int | None, RunRecord]:
        """The newest run of every seed."""
        return {record.seed: record for record in self.records}

    def values(self, metric: str) -> dict[int | None, float]:
        """The metric (full name) of the newest run of every seed; seeds whose run does not have it are left out."""
        return {
            seed: record.metrics[metric]
            for seed, record in self.by_seed().items()
            if metric in record.metrics
        }

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {
            "label": self.label,
            "name": self.name,
            "runs": [record.folder for record in self.records],
            "seeds": list(self.seeds),
            "commits": list(self.commits),
            "config": dict(self.config),
        }

    def __str__(self) -> str:
        seeds = ", ".join(str(seed) for seed in self.seeds)
        return f"{self.label}: {len(self.records)} runs, seeds {seeds}"


def group_runs(records: Iterable[RunRecord], *, ignore: Sequence[str] = SEED_KEYS) -> list[RunGroup]:
    """The groups of some runs, in the order in which they were begun.

    Args:
        records: oldest first; those without a readable configuration are left out.
        ignore: dotted keys that may differ within a group; `logging` also means all keys below it.
    """
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        if record.config:
            groups.setdefault(_identity(record, ignore), []).append(record)
    found = [
        RunGroup(runs[0].name, runs[0].name, _recipe(runs[0], ignore), tuple(runs))
        for runs in groups.values()
    ]
    return _with_labels(found)


def _recipe(record: RunRecord, ignore: Sequence[str]) -> dict[str, Any]:
    below = tuple(f"{key}." for key in ignore)
    return {
        key: value for key, value in record.config.items() if key not in ignore and not key.startswith(below)
    }


def _identity(record: RunRecord, ignore: Sequence[str]) -> str:
    recipe = _recipe(record, ignore)
    # The folder's name may be another than the configuration's: what the user calls it counts too.
    name = None if "name" in ignore else record.name
    return json.dumps([name, sorted(recipe.items())], sort_keys=True, default=str)


def _with_labels(groups: list[RunGroup]) -> list[RunGroup]:
    """Groups of the same name get the keys in which they differ, or else a number."""
    labelled: list[RunGroup] = []
    for group in groups:
        others = [other for other in groups if other.name == group.name]
        if len(others) == 1:
            labelled.append(group)
            continue
        keys = {d.key: None for other in others for d in differences(others[0].config, other.config)}
        shown = list(keys)[:_MOST_KEYS_IN_LABEL]
        words = ", ".join(f"{key}={value_text(group.config.get(key))}" for key in shown)
        labelled.append(replace(group, label=f"{group.name} [{words}]"))
    return _numbered(labelled)


def _numbered(groups: list[RunGroup]) -> list[RunGroup]:
    seen: dict[str, int] = {}
    unique = []
    for group in groups:
        seen[group.label] = count = seen.get(group.label, 0) + 1
        unique.append(group if count == 1 else replace(group, label=f"{group.label} #{count}"))
    return unique
