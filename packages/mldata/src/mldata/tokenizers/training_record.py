"""What is noted beside a trained tokenizer: the documents that it saw and the command that makes it again."""

import shlex
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from mldata.errors import TokenizerError
from mldata.locations import tokenizer_folders
from mldata.text import TextDataset


def training_record(documents: TextDataset, options: Mapping[str, object]) -> dict[str, object]:
    """Metadata for `Tokenizer.save`: data set, split, how many documents and bytes, versions, command."""
    given = [part for key, value in options.items() if value is not None for part in (f"--{key}", str(value))]
    return {
        "trained_on": {
            "dataset": documents.name,
            "split": documents.split,
            "identity": documents.identity,
            "num_documents": len(documents),
            "num_bytes": sum(len(document.encode()) for document in documents),
        },
        "command": shlex.join(["python", "-m", "mldata", "train-tokenizer", documents.name, *given]),
        "versions": {library: version(library) for library in ("tokenizers", "tiktoken")},
    }


def tokenizers_home() -> Path:
    """The folder that new tokenizers are saved in: the nearest that exists."""
    folders = tokenizer_folders()
    if not folders:
        raise TokenizerError("no folder assets/models/tokenizers above here; name one with --output")
    return folders[0]
