"""The command `sanity`, and the part of it that runs before every training."""

from mlcore.cli import Options
from mlcore.sanity import SanityReport, SanitySubject, plain_training, run_battery
from mlcore.trainer import ClassificationTrainer
from mldata.images.hashes import hashes_of, image_hashes
from mldata.images.test_guard import test_split_closed
from torch import nn

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig


def sanity(config: ExperimentConfig, options: Options) -> int:
    """Examine data, model and training; 1 if anything is wrong."""
    with test_split_closed():
        report = run_battery(subject_of(build.prepare(config)), level="full")
    report.print()
    if options.extra["output"] is not None:
        report.write(options.extra["output"])
    return report.exit_code


def check_before_training(prepared: build.Prepared) -> SanityReport:
    """The quick checks.

    Raises:
        SanityError: one failed; nothing has been written yet.
    """
    report = run_battery(subject_of(prepared), level="preflight")
    report.raise_for_failures()
    print(f"pre-flight: {report.verdict}")
    return report


def subject_of(prepared: build.Prepared) -> SanitySubject:
    """The experiment's own model, trainer and pipelines, made afresh for every check."""
    config, data, validation = prepared.config, prepared.config.data, prepared.validation

    def make_trainer(
        model: nn.Module, *, steps: int, learning_rate: float | None, seed: int
    ) -> ClassificationTrainer:
        training = plain_training(config.training, steps=steps, learning_rate=learning_rate)
        return build.bare_trainer(prepared, model, training, seed=seed)

    def hashes() -> dict[str, list[str]]:
        parts = {"train": prepared.train, "validation": validation}
        found = {name: hashes_of(part.images) for name, part in parts.items() if part is not None}
        return found | {"test": image_hashes(data.dataset, "test", data_dir=data.data_dir)}

    return SanitySubject(
        num_classes=prepared.train.num_classes,
        make_model=lambda seed: build.make_model(config.model, prepared.device, seed),
        make_trainer=make_trainer,
        make_train_loader=lambda: build.make_training_loader(prepared),
        make_validation_loader=None
        if validation is None
        else lambda: build.make_loader(prepared, validation),
        make_ordered_loader=lambda: build.make_loader(prepared, prepared.train),
        image_hashes=hashes,
        classes=prepared.classes,
    )
