"""How fast tokens are prepared and batches gathered, beside the usual ways: `python -m mldata.benchmark`.

Both sides of each comparison run in turns in one process on the same text; ratios of the medians say more
than rates, since both sides share whatever else the machine does.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mldata.command_line import run
from mldata.text import load_text
from mldata.token_files import TokenFile, prepare_tokens
from mldata.tokenizers.base import Tokenizer
from mldata.tokenizers.loading import load_tokenizer
from mldata.tokenizers.threads import default_threads
from mldata.windows import TokenWindows

_CONTEXT, _BATCH = 256, 16


def in_turns(sides: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every side, `repeats` times in turns, after one untimed run of each."""
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            begin = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def documents_of(name: str, megabytes: float) -> list[str]:
    """Documents of the train split, from its beginning again where it is smaller."""
    documents: list[str] = []
    size = 0
    for document in cycle(load_text(name, "train", subset_size=20_000)):
        documents.append(document)
        size += len(document.encode())
        if size >= megabytes * 1e6:
            return documents
    return documents


def measure_preparing(documents: Sequence[str], tokenizer: Tokenizer, repeats: int) -> dict[str, Any]:
    """`prepare_tokens`, down to its manifest, beside the `tokenizers` library's `encode_batch` alone."""
    import tokenizers

    with tempfile.TemporaryDirectory() as scratch:
        library = tokenizers.Tokenizer.from_file(
            str(tokenizer.save(Path(scratch) / "tokenizer") / "tokenizer.json")
        )
        folder = Path(scratch) / "tokens"

        def prepare() -> TokenFile:
            return prepare_tokens(iter(documents), tokenizer, folder, progress=False)

        sides = {"prepare_tokens": prepare, "encode_batch": lambda: library.encode_batch(list(documents))}
        seconds = in_turns(sides, repeats)
        ids = prepare().tokens.tolist()
    expected = [i for encoding in library.encode_batch(list(documents)) for i in [*encoding.ids, 0]]
    size = sum(len(document.encode()) for document in documents) / 1e6
    rates = {name: size / statistics.median(times) for name, times in seconds.items()}
    return {
        "megabytes": size,
        "threads": default_threads(),
        "identical_ids": ids == expected,
        "mb_per_s": rates,
        "seconds": seconds,
        "ratio_to_encode_batch": rates["prepare_tokens"] / rates["encode_batch"],
        "goal": 2.5,
    }


def measure_batches(tokens: np.ndarray, batches: int, repeats: int) -> dict[str, Any]:
    """A batch of 16 x 256 from `TokenWindows`, row slices of a memory map, and a map-style data set."""
    import datasets
    import torch
    from torch.utils.data import DataLoader

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "tokens.bin"
        tokens.astype(np.uint16).tofile(path)
        mapped = np.memmap(path, dtype=np.uint16, mode="r")
        windows = TokenWindows(mapped, context_length=_CONTEXT, batch_size=_BATCH, drop_last=True)
        chance = np.random.default_rng(0)

        def row_slices() -> tuple[torch.Tensor, torch.Tensor]:
            starts = chance.integers(len(mapped) - _CONTEXT - 1, size=_BATCH)
            rows = [torch.from_numpy(mapped[i : i + _CONTEXT + 1].astype(np.int64)) for i in starts]
            whole = torch.stack(rows)
            return whole[:, :-1].contiguous(), whole[:, 1:].contiguous()

        count = len(mapped) // (_CONTEXT + 1)
        table = mapped[: count * (_CONTEXT + 1)].reshape(count, _CONTEXT + 1).astype(np.int64)
        rows = datasets.Dataset.from_dict({"ids": table}).with_format("torch")
        loader = DataLoader(rows, batch_size=_BATCH, shuffle=True, drop_last=True)
        sides = {
            "token_windows": taker(lambda: iter(windows), batches),
            "memmap_row_slices": lambda: [row_slices() for _ in range(batches)],
            "map_style_loader": taker(lambda: iter(loader), batches),
        }
        seconds = in_turns(sides, repeats)
    milliseconds = {name: statistics.median(times) / batches * 1e3 for name, times in seconds.items()}
    ours = milliseconds["token_windows"]
    return {
        "ms_per_batch": milliseconds,
        "ratio_to_row_slices": milliseconds["memmap_row_slices"] / ours,
        "ratio_to_map_style_loader": milliseconds["map_style_loader"] / ours,
        "goals": {"ms_per_batch": 0.05, "ratio_to_map_style_loader": 15},
    }


def taker(make: Callable[[], Iterator[object]], count: int) -> Callable[[], None]:
    """A run that takes `count` batches, beginning anew where an epoch ends."""

    def take() -> None:
        taken = 0
        while taken < count:
            for _ in make():
                taken += 1
                if taken == count:
                    break

    return take


app = typer.Typer(add_completion=False)


@app.command()
def main(
    dataset: Annotated[str, typer.Option(help="A text data set.")] = "tinystories",
    tokenizer: Annotated[str, typer.Option(help="A byte-level BPE.")] = "tinystories_bpe_4096",
    megabytes: Annotated[float, typer.Option(help="Text to encode.")] = 9.0,
    repeats: Annotated[int, typer.Option(help="Timed runs of each side.")] = 5,
    output: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure preparing and batches beside the usual ways, and print JSON."""
    encoder = load_tokenizer(tokenizer)
    documents = documents_of(dataset, megabytes)
    preparing = measure_preparing(documents, encoder, repeats)
    tokens = np.concatenate([encoder.encode_array(document) for document in documents])
    batches = measure_batches(tokens, 200, repeats)
    figures = {"dataset": dataset, "tokenizer": tokenizer, "preparing": preparing, "batches": batches}
    text = json.dumps(figures, indent=2)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    sys.exit(run(app, None, "python -m mldata.benchmark"))
