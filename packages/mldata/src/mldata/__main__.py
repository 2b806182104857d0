"""The command line of the data: `python -m mldata list | show | prepare | train-tokenizer | coverage`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mldata.command_line import run
from mldata.registry import names
from mldata.registry import spec as registry_entry

app = typer.Typer(help="Data sets and tokenizers.", no_args_is_help=True, add_completion=False)
_Subset = Annotated[int | None, typer.Option(help="Only the first so many documents.", min=1)]
# What an entry of a kind does not have.
_MEANINGLESS = {
    "images": ("columns", "held_out", "hub_splits", "layout", "stems"),
    "labelled_text": ("columns", "held_out", "hub_splits"),
}
_Split = Annotated[str, typer.Option(help="train, validation, for some sets test.")]


@app.command("list")
def list_datasets() -> None:
    """List the registered data sets, and where each can be found now."""
    from mldata.locations import data_folder

    table = Table("name", "splits", "where", "what it is")
    for name in names():
        entry = registry_entry(name)
        here = (data_folder() / name).is_dir()
        elsewhere = "hub" if entry.hub_id else "download" if entry.mirrors else "local only"
        where = "embedded" if entry.is_embedded else "local" if here else elsewhere
        table.add_row(name, ", ".join(entry.splits), where, entry.description)
    Console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A data set of `list`.")],
    split: _Split = "train",
    documents: Annotated[int, typer.Option(help="How many documents or images to print.", min=0)] = 1,
) -> None:
    """Show a data set's entry and its first documents or images."""
    entry = registry_entry(name)
    for key, value in asdict_of(entry).items():
        if key not in _MEANINGLESS.get(entry.kind, ()):
            print(f"{key + ':':<13} {value}")
    if documents and entry.kind == "images":
        from mldata.images.description import described

        for line in described(name, split, documents):
            print(line)
    elif documents and entry.kind == "labelled_text":
        from mldata.labelled_text import load_labelled_text

        texts = load_labelled_text(name, split)
        counts = zip(texts.classes, texts.class_counts(), strict=True)
        print(f"{'found:':<13} {texts.source}")
        print(f"{'per class:':<13} {', '.join(f'{name}: {count:,}' for name, count in counts)}")
        for text, label in zip(texts.texts[:documents], texts.labels, strict=False):
            print(f"{'-' * 40} {texts.classes[label]}\n{text}")
    elif documents:
        from mldata.text import load_text

        dataset = load_text(name, split, subset_size=documents)
        print(f"{'found:':<13} {dataset.source}")
        for document in dataset:
            print("-" * 40)
            print(document if len(document) <= 2000 else f"{document[:2000]}…")


def asdict_of(entry: object) -> dict[str, object]:
    """The entry's filled fields, mappings written out."""
    fields = {key: getattr(entry, key) for key in entry.__dataclass_fields__}  # type: ignore[attr-defined]
    return {key: dict(value) if hasattr(value, "items") else value for key, value in fields.items() if value}


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="A data set of `list`.")],
    tokenizer: Annotated[
        str, typer.Option(help="gpt2, character, or a folder of assets/models/tokenizers.")
    ] = "gpt2",
    split: Annotated[list[str] | None, typer.Option(help="Splits; default: train and validation.")] = None,
    subset_size: _Subset = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads; default: the cores, at most 8.", min=1)
    ] = None,
) -> None:
    """Fetch a data set if it is not here, and encode its splits into the cache."""
    from mldata.text import load_text
    from mldata.token_files import prepare_dataset
    from mldata.tokenizers.loading import load_tokenizer

    registry_entry(name, kind="text")
    encoder = load_tokenizer(tokenizer)
    for chosen in split or ("train", "validation"):
        prepared = prepare_dataset(
            load_text(name, chosen, subset_size=subset_size), encoder, num_workers=workers
        )
        manifest = prepared.manifest
        print(
            f"{name} {chosen}: {manifest.num_documents} documents, {manifest.num_text_bytes} bytes, "
            f"{manifest.num_tokens} tokens of {manifest.tokenizer} ({manifest.dtype}) in {prepared.folder}"
        )


@app.command("train-tokenizer")
def train_tokenizer_command(
    dataset: Annotated[str, typer.Argument(help="A data set of `list`; its train split is used.")],
    name: Annotated[str, typer.Option(help="Folder name of the new tokenizer.")],
    kind: Annotated[str, typer.Option(help="byte_bpe, word or character.")] = "byte_bpe",
    vocab_size: Annotated[int | None, typer.Option(help="Ids, special ones included.")] = None,
    subset_size: _Subset = None,
    output: Annotated[
        Path | None, typer.Option(help="Parent folder; default assets/models/tokenizers.")
    ] = None,
) -> None:
    """Train a tokenizer on a data set's train split and save it with its origin."""
    from mldata.safe_names import check_name
    from mldata.text import load_text
    from mldata.tokenizers.loading import train_tokenizer
    from mldata.tokenizers.training_record import tokenizers_home, training_record

    folder = (output or tokenizers_home()) / check_name(name, "tokenizer")
    documents = load_text(dataset, "train", subset_size=subset_size)
    tokenizer = train_tokenizer(kind, documents, vocab_size, name=name)  # type: ignore[arg-type]
    options = {"kind": kind, "vocab-size": vocab_size, "subset-size": subset_size, "name": name}
    tokenizer.save(folder, training_record(documents, options))
    print(f"{folder}: {tokenizer.kind}, {tokenizer.vocab_size} tokens, fingerprint {tokenizer.fingerprint}")


@app.command("coverage")
def coverage_command(
    tokenizer: Annotated[
        str, typer.Argument(help="gpt2, character, or a folder of assets/models/tokenizers.")
    ],
    dataset: Annotated[str, typer.Argument(help="A data set of `list`.")],
    split: _Split = "validation",
    subset_size: _Subset = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a tokenizer: words in at most k tokens, unknown rate, bytes per token, round trips."""
    from mldata.text import load_text
    from mldata.tokenizers.coverage import measure_coverage
    from mldata.tokenizers.loading import load_tokenizer

    registry_entry(dataset, kind="text")
    measured = asdict(
        measure_coverage(load_tokenizer(tokenizer), load_text(dataset, split, subset_size=subset_size))
    )
    if as_json:
        print(json.dumps({"dataset": dataset, "split": split, **measured}, indent=2))
        return
    for key, value in measured.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k}: {share:.2%}" for k, share in value.items())
        print(f"{key + ':':<24} {value:.4f}" if isinstance(value, float) else f"{key + ':':<24} {value}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    return run(app, arguments, "python -m mldata")


if __name__ == "__main__":
    sys.exit(main())
