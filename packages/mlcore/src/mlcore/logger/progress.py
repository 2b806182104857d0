"""What a display of a running training must do, the silent one, and the choice among them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TextIO

from mlcore.logger.number_format import format_count, format_duration, format_loss, format_number

Mode = Literal["auto", "terminal", "notebook", "plain", "silent"]
MODES: tuple[str, ...] = ("auto", "terminal", "notebook", "plain", "silent")


class Display(Protocol):
    """Shows a run to a person. `readout` holds finished text by name: {"loss": "3.2145", "lr": "3.0e-4"}."""

    def start(self, title: str, info: Mapping[str, str], total_steps: int | None) -> None: ...

    def step(self, step: int, readout: Mapping[str, str]) -> None: ...

    def validation(self, step: int, readout: Mapping[str, str]) -> None: ...

    def message(self, text: str, *, warning: bool = False) -> None: ...

    def sample(self, step: int, prompt: str, text: str) -> None: ...

    def finish(self, text: str) -> None: ...


class SilentDisplay:
    """Shows nothing: tests, and all processes but the first of a distributed run."""

    def start(self, title: str, info: Mapping[str, str], total_steps: int | None) -> None:
        pass

    def step(self, step: int, readout: Mapping[str, str]) -> None:
        pass

    def validation(self, step: int, readout: Mapping[str, str]) -> None:
        pass

    def message(self, text: str, *, warning: bool = False) -> None:
        pass

    def sample(self, step: int, prompt: str, text: str) -> None:
        pass

    def finish(self, text: str) -> None:
        pass


def choose_mode(mode: str, stream: TextIO) -> str:
    """The mode to use: `mode` itself, or for "auto" what the output is.

    A Jupyter kernel takes "notebook"; a terminal that can move its cursor takes "terminal"; files, pipes and
    dumb terminals take "plain".

    Raises:
        ValueError: `mode` is none of MODES.
    """
    if mode not in MODES:
        raise ValueError(f"logger mode {mode!r} is unknown; allowed are {', '.join(MODES)}")
    if mode != "auto":
        return mode
    if _in_jupyter():
        return "notebook"
    try:
        is_terminal = stream.isatty()
    except (AttributeError, ValueError):  # a closed or home-made stream
        is_terminal = False
    return "terminal" if is_terminal and os.environ.get("TERM", "") != "dumb" else "plain"


def _in_jupyter() -> bool:
    """True inside a Jupyter kernel. A kernel has imported IPython already: no import here."""
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def make_display(mode: str, stream: TextIO, *, plain_every_s: float) -> Display:
    """The display of `mode` ("auto" is resolved by `choose_mode`)."""
    chosen = choose_mode(mode, stream)
    if chosen == "terminal":
        from mlcore.logger.terminal_display import TerminalDisplay

        return TerminalDisplay(stream)
    if chosen == "notebook":
        from mlcore.logger.notebook_display import NotebookDisplay

        return NotebookDisplay()
    if chosen == "plain":
        from mlcore.logger.plain_display import PlainDisplay

        return PlainDisplay(stream, every_s=plain_every_s)
    return SilentDisplay()


_FIRST = ("loss", "perplexity", "bits_per_byte", "accuracy", "token_accuracy", "lr", "grad_norm")
_HIDDEN = frozenset({"epoch", "status", "items", "num_items", "num_tokens", "num_bytes"})


def readout_of(metrics: Mapping[str, Any], timing: Mapping[str, Any], item_name: str) -> dict[str, str]:
    """The numbers of one record as text, the important ones first."""
    names = [name for name in _FIRST if name in metrics]
    names += [name for name in metrics if name not in _FIRST and name not in _HIDDEN]
    if not metrics.get("skipped", True):
        names.remove("skipped")  # worth a word only when there are some
    readout = {name: _as_text(name, metrics[name]) for name in names}
    if metrics.get("status", "ok") != "ok":
        readout["status"] = str(metrics["status"])
    if timing.get("items_per_s") is not None:
        readout["speed"] = f"{format_count(timing['items_per_s'])} {item_name}/s"
    if timing.get("tflops") is not None:
        readout["compute"] = f"{format_number(timing['tflops'], 3)} TFLOP/s"
    if timing.get("eta_s") is not None:
        readout["left"] = f"ETA {format_duration(timing['eta_s'])}"
    return readout


_BARE = frozenset({"speed", "compute", "left"})  # these texts say themselves what they are


def readout_line(readout: Mapping[str, str]) -> str:
    """`loss 3.2145  lr 3.0e-04  12.4k tokens/s`."""
    return "  ".join(text if name in _BARE else f"{name} {text}" for name, text in readout.items())


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if name == "lr" or name.startswith("learning_rate"):
        return f"{value:.2e}"
    return format_loss(value) if "loss" in name else format_number(value)


def printable(text: str) -> str:
    """`text` without control characters but newlines and tabs: a sample must not move the cursor."""
    return "".join(
        character if character in "\n\t" or (character.isprintable() and character != "\x7f") else "�"
        for character in text
    )


def shorten(text: str, num_characters: int = 400) -> str:
    """The beginning of a sample, with an ellipsis where it was cut."""
    return text if len(text) <= num_characters else text[:num_characters].rstrip() + " …"


def pick_sample(samples: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Prompt and continuation of the sample to show, None where there is none."""
    if not samples:
        return None
    prompt, text = str(samples[0].get("prompt", "")), str(samples[0].get("text", ""))
    return prompt, text.removeprefix(prompt)


def epoch_line(epoch: int, groups: Mapping[str, Any]) -> str:
    """`epoch 3  train loss 1.2345  val loss 1.3456`."""
    parts = [
        f"{group} {name} {_as_text(name, values[name])}"
        for group, values in groups.items()
        if isinstance(values, Mapping)
        for name in ("loss", "accuracy", "perplexity")
        if name in values
    ]
    return "  ".join([f"epoch {epoch}", *parts])
