"""What a checkpoint of an image classifier holds beside the trainer's own state, and how it is read again."""

from pathlib import Path
from typing import Any

from mlcore.checkpoint import load_checkpoint_file, resolve_checkpoint
from mlcore.errors import CheckpointError
from mlcore.image_classification.wiring import Prepared


def checkpoint_extras(prepared: Prepared) -> dict[str, Any]:
    """Configuration, model, normalisation, and the classes of every head: what evaluating the weights needs."""
    heads = {name: list(classes) for name, classes in getattr(prepared, "heads", {}).items()}
    return {
        **({"heads": heads} if heads else {}),
        "config": prepared.config.model_dump(mode="json"),
        "model_config": prepared.config.model.model_dump(mode="json"),
        "means": prepared.means,
        "deviations": prepared.deviations,
        "classes": list(prepared.train.classes),
    }


def read_image_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """A classifier's checkpoint, verified, on the CPU.

    Raises:
        CheckpointError: damaged, or no checkpoint of an image classifier.
    """
    state = load_checkpoint_file(resolve_checkpoint(checkpoint))
    missing = {"model", "model_config", "means", "deviations", "classes"} - state.keys()
    if missing:
        raise CheckpointError(f"{checkpoint}: not a checkpoint of this project (no {min(missing)})")
    return state
