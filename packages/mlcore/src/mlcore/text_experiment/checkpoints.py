"""Checkpoints of language models: read, verified, and refused where the tokenizer is another one."""

from pathlib import Path
from typing import Any

from mlcore.checkpoint import load_checkpoint_file, resolve_checkpoint
from mlcore.errors import CheckpointError
from mlcore.text_experiment.wiring import FingerprintedTokenizer


def read_text_checkpoint(path: Path, tokenizer: FingerprintedTokenizer | None = None) -> dict[str, Any]:
    """A run's checkpoint, verified, on the CPU; its tokenizer must be the one given.

    Raises:
        CheckpointError: no checkpoint of a language model, or one that was trained with another tokenizer.
    """
    state = load_checkpoint_file(resolve_checkpoint(path))
    if "model" not in state or "model_config" not in state:
        raise CheckpointError(f"{path}: not a checkpoint of this project")
    if tokenizer is not None and state.get("tokenizer") != tokenizer.fingerprint:
        raise CheckpointError(
            f"{path}: trained with another tokenizer (fingerprint {str(state.get('tokenizer'))[:12]}) than "
            f"{tokenizer.name!r} ({tokenizer.fingerprint[:12]}, {tokenizer.vocab_size} tokens)"
        )
    return state
