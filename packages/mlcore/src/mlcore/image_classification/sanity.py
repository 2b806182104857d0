"""What `sanity` does, and the part of it that runs before every training."""

from __future__ import annotations

from typing import Any

from torch import nn

from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.image_classification.wiring import Prepared, Wiring
from mlcore.sanity import SanityReport, SanitySubject, plain_training, run_battery
from mlcore.trainer import ClassificationTrainer


def examine(config: Any, options: Options, wiring: Wiring) -> int:
    """Examine data, model and training; 1 if anything is wrong."""
    report = run_battery(subject_of(wiring.prepare(config), wiring), level="full")
    report.print()
    if options.extra["output"] is not None:
        report.write(options.extra["output"])
    return report.exit_code


def check_before_training(prepared: Prepared, wiring: Wiring) -> SanityReport:
    """The quick checks.

    Raises:
        SanityError: one failed; nothing has been written yet.
    """
    report = run_battery(subject_of(prepared, wiring), level="preflight")
    report.raise_for_failures()
    print(f"pre-flight: {report.verdict}")
    return report


def subject_of(prepared: Prepared, wiring: Wiring) -> SanitySubject:
    """The experiment's own model, trainer and pipelines, made afresh for every check.

    Raises:
        ConfigError: there are several tasks.
    """
    if getattr(prepared, "heads", {}):
        raise ConfigError("the sanity checks know one task: set data.attributes to []")
    config, validation = prepared.config, prepared.validation

    def make_trainer(
        model: nn.Module, *, steps: int, learning_rate: float | None, seed: int
    ) -> ClassificationTrainer:
        training = plain_training(config.training, steps=steps, learning_rate=learning_rate)
        return wiring.bare_trainer(prepared, model, training, seed=seed)

    frozen = getattr(wiring.make_model(prepared, 0), "frozen_prefixes", ())
    return SanitySubject(
        num_classes=prepared.train.num_classes,
        make_model=lambda seed: wiring.make_model(prepared, seed),
        make_trainer=make_trainer,
        make_train_loader=lambda: wiring.make_training_loader(prepared),
        make_validation_loader=None
        if validation is None
        else lambda: wiring.make_loader(prepared, validation),
        make_ordered_loader=lambda: wiring.make_loader(prepared, prepared.train),
        image_hashes=lambda: wiring.split_hashes(prepared),
        classes=prepared.train.classes,
        frozen=frozen,
    )
