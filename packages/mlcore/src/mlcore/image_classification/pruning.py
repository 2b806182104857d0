"""What `prune` does: for each amount a new run that begins with the pruned weights of another and trains them on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import nn

from mlcore.checkpoint import load_checkpoint_file
from mlcore.cli import Options
from mlcore.config import load_config
from mlcore.device import choose_device
from mlcore.errors import ConfigError, RunNotFoundError
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.narrowing import narrow
from mlcore.image_classification.pruning_results import PrunedModel, draw_pruning, narrow_table, pruning_table
from mlcore.image_classification.training import train_classifier
from mlcore.image_classification.views import views_of
from mlcore.image_classification.wiring import ImageSet, Wiring
from mlcore.logger.plain_values import write_json_atomic
from mlcore.pruning.masks import Masks, apply_masks, masks_in, sparsity_of
from mlcore.report import build_report
from mlcore.report.figures import save_figure
from mlcore.runs import RunFolder, list_runs
from mlcore.statistics import wilson_interval
from mlcore.statistics.proportions import ProportionInterval
from mlcore.training_run import checkpoint_to_evaluate


def prune(config: Any, options: Options, wiring: Wiring) -> None:
    """Prune a run by every amount, train each on, and set them side by side on the validation images.

    Args:
        config: the run's own.
        options: `mlcore.image_classification.options.PRUNING_OPTIONS` among its extras.

    Raises:
        RunNotFoundError: no finished run is named.
        ConfigError: an amount is no share, or the run has no validation images.
    """
    amounts = parse_amounts(options.extra["amount"])
    checkpoint, run = checkpoint_to_evaluate(options), options.run_folder
    if run is None:
        raise RunNotFoundError(f"{checkpoint}: pruning needs the run that it belongs to: name it with --run")
    _, validation = wiring.training_splits(config.data)
    if validation is None:
        raise ConfigError("data.train_split is 1: pruning is judged on validation images, and there are none")
    of = run.path.name if checkpoint.name == "best.pt" else f"{run.path.name}/{checkpoint.name}"
    plans = [pruned_config(config, run.name, of, amount, options) for amount in amounts]
    whole = wiring.read_classifier(checkpoint, choose_device(config.device))
    before = accuracy_on(whole, validation, config.evaluation)
    found = [PrunedModel(run.path.name, 0.0, sparsity_of(whole.model), before, before, before)]
    for plan in plans:
        trained = train_pruned(plan, checkpoint, run, options, wiring)
        found.append(judge_pruned(plan, trained, checkpoint, validation, before, wiring))
    show(found, run, plans[0].pruning)


def judge_pruned(
    plan: Any,
    trained: RunFolder,
    checkpoint: Path,
    validation: ImageSet,
    before: ProportionInterval,
    wiring: Wiring,
) -> PrunedModel:
    """The row of one run: right after pruning, after training on, and without the filters where these were pruned."""
    device, best = choose_device(plan.device), trained.checkpoints / "best.pt"
    masks = masks_in(load_checkpoint_file(best))
    after, tuned = (wiring.read_classifier(path, device) for path in (checkpoint, best))
    apply_masks(after.model, masks)
    require_zeros(tuned.model, masks)
    return PrunedModel(
        trained.path.name,
        plan.pruning.amount,
        sparsity_of(tuned.model),
        before,
        accuracy_on(after, validation, plan.evaluation),
        accuracy_on(tuned, validation, plan.evaluation),
        narrow(trained, validation, device, wiring) if plan.pruning.method == "filters" else None,
    )


def parse_amounts(text: str) -> list[float]:
    """`0.5,0.7` as numbers.

    Raises:
        ConfigError: one of them is not between 0 and 1.
    """
    amounts = []
    for word in text.split(","):
        try:
            amount = float(word)
        except ValueError:
            amount = float("nan")
        if not 0 < amount < 1:
            raise ConfigError(
                f"command line: --amount: {word.strip()!r} is no share between 0 and 1; write 0.5,0.9 for instance"
            )
        amounts.append(amount)
    return sorted(set(amounts))


def pruned_config(config: Any, name: str, of: str, amount: float, options: Options) -> Any:
    """The run's own configuration with another name, a few epochs, and what is to be pruned.

    Raises:
        ConfigError: the training section does not allow that length.
    """
    extra = options.extra
    content = config.model_dump()
    percent = f"{100 * amount:g}".replace(".", "_")
    content["name"] = "_".join(filter(None, (name, extra["method"], extra["scope"], percent)))
    content["training"] |= {"epochs": extra["epochs"], "steps": None}
    content["logging"]["save_checkpoints"] = True
    content["pruning"] = {
        "method": extra["method"],
        "scope": extra["scope"],
        "amount": amount,
        "of": of,
    }
    try:
        return type(config).model_validate(content)
    except ValueError as error:
        raise ConfigError(f"--epochs {extra['epochs']}: {error.errors()[0]['msg']}") from None  # type: ignore[attr-defined]


def train_pruned(plan: Any, checkpoint: Path, run: RunFolder, options: Options, wiring: Wiring) -> RunFolder:
    """The finished run of a plan: found, gone on with, or begun, beside the run that is pruned."""
    folder = run.path.parent
    earlier = run_of_plan(plan, folder)
    if earlier is not None and earlier.is_complete:
        print(f"done before: {earlier.path}")
        return earlier
    resume = None if earlier is None else str(earlier.path)
    own = replace(
        options,
        runs_dir=folder,
        run=None,
        run_folder=earlier,
        checkpoint=checkpoint,
        resume=resume,
        extra={**options.extra, "no_preflight": True},
    )
    trained = train_classifier(plan, own, wiring)
    assert trained is not None, "one process"
    return trained


def require_zeros(model: nn.Module, masks: Masks) -> None:
    """Our own promise: what was taken out is still out after the training."""
    for name, mask in masks.items():
        assert not model.get_parameter(name).detach().cpu()[~mask].any(), f"{name}: a pruned weight came back"


def run_of_plan(plan: Any, folder: Path) -> RunFolder | None:
    """The newest run that prunes and trains just so."""
    for run in reversed(list_runs(folder)):
        has_begun = run.is_complete or any(run.checkpoints.glob("*.pt"))
        if run.name != plan.name or not has_begun:
            continue
        try:
            config = load_config(type(plan), run.config_path)
        except ConfigError:
            continue
        if _without_logging(config) == _without_logging(plan):
            return run
    return None


def _without_logging(config: Any) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude={"logging"})


def accuracy_on(classifier: ImageClassifier, images: ImageSet, evaluation: Any) -> ProportionInterval:
    """The share of the images whose class is found, averaged over views as the configuration wants it."""
    views = views_of(evaluation.test_time_augmentation, evaluation.shifts)
    logits = classifier.predict(images, batch_size=evaluation.batch_size, views=views)
    return wilson_interval(int((logits.argmax(dim=1) == images.labels).sum()), len(images))


def show(found: Sequence[PrunedModel], run: RunFolder, pruning: Any) -> None:
    """The table; pruning_METHOD_SCOPE.json and a figure in the report of the run that was pruned."""
    scope = pruning.compares_within
    what = f"{pruning.method}, compared within the {scope}"
    for table in (pruning_table(found, what), narrow_table(found)):
        if table is not None:
            Console().print(table)
    path = run.path / f"pruning_{pruning.method}_{scope}.json"
    models = [one.as_dict() for one in found]
    write_json_atomic(path, {"schema": 1, "method": pruning.method, "scope": scope, "models": models})
    figure = save_figure(
        run.path,
        path.stem,
        draw_pruning(found),
        title=f"Pruning: {what}",
        caption="Accuracy on the validation images with 95 % intervals, before and after training the rest on.",
    )
    print(f"\nnumbers {path}\nfigure  {figure}\nreport  {build_report(run.path)}")
