"""Progress in a file, in a terminal and in a notebook."""

import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from mlcore.logger import TrainingLogger
from mlcore.logger.plain_display import PlainDisplay
from mlcore.logger.progress import choose_mode, make_display, printable, readout_of


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run_a_training(logger: TrainingLogger, steps: int = 300) -> None:
    with logger:
        logger.start({"device": "cpu", "parameters": 12_345})
        for step in range(1, steps + 1):
            logger.log_step(step, {"loss": 5 / step, "lr": 3e-4, "grad_norm": 0.9}, num_items=512)
            if step % 100 == 0:
                logger.log_validation(step, {"loss": 5 / step, "perplexity": 1.5})
                logger.log_samples(step, [{"prompt": "Once", "text": " upon [red]a\x1b[2Jtime[/red]"}])
        logger.warn("nearly there")
        logger.finish("completed")


def test_plain_mode_writes_a_line_every_n_seconds_and_the_first_and_the_last() -> None:
    clock, stream = Clock(), io.StringIO()
    display = PlainDisplay(stream, every_s=10, clock=clock)
    display.start("run", {}, 1000)
    for step in range(1, 1001):
        display.step(step, {"loss": "1"})
        clock.now += 0.1
    display.finish("done")
    steps = [line for line in stream.getvalue().splitlines() if line.startswith("step")]
    numbers = [int(line.split("/")[0].removeprefix("step").replace(",", "")) for line in steps]
    # Compared with the schedule itself; the clock's rounding may move a line by one step.
    assert numbers[0] == 1
    assert numbers[-1] == 1000
    assert len(numbers) == 11
    assert all(abs(number - (1 + 100 * index)) <= index for index, number in enumerate(numbers[:-1]))


def test_plain_mode_always_shows_validations_samples_and_messages() -> None:
    stream = io.StringIO()
    run_a_training(TrainingLogger(None, mode="plain", stream=stream, total_steps=300, plain_every_s=1e9))
    lines = stream.getvalue().splitlines()
    assert sum("validation" in line for line in lines) == 3 + 1  # three, and the closing line
    assert sum("sample" in line for line in lines) == 3
    assert "warning: nearly there" in lines
    first = next(line for line in lines if line.startswith("step"))
    assert first.startswith("step   1/300  loss 5.0000  lr 3.00e-04  grad_norm 0.9000")
    assert any(line.startswith("step 300/300  loss 0.0167") for line in lines)
    assert lines[-1].startswith("completed · 300 steps · best validation loss 0.0167 at step 300")
    assert "\x1b" not in stream.getvalue(), "no control characters, of our own or of a sample"


def test_the_closing_line_counts_updates_that_were_not_logged_too() -> None:
    stream = io.StringIO()
    logger = TrainingLogger(None, mode="plain", stream=stream, total_steps=1016)
    logger.log_step(1010, {"loss": 1.0}, num_items=10)
    logger.finish("completed", {"steps": 1016})
    assert stream.getvalue().splitlines()[-1].startswith("completed · 1,016 steps")


def test_a_stream_that_knows_only_ascii_gets_question_marks_and_not_an_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    logger = TrainingLogger(None, mode="plain", stream=stream)
    logger.start({"model": "Grüße"})
    logger.message("ende ✓")
    assert b"Gr??e" in raw.getvalue()
    assert b"ende ?" in raw.getvalue()


def test_a_closed_pipe_ends_the_showing_and_not_the_training(tmp_path: Path) -> None:
    class ClosedPipe(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    run_a_training(TrainingLogger(tmp_path, mode="plain", stream=ClosedPipe(), tensorboard=False))
    assert '"completed"' in (tmp_path / "metrics.json").read_text()


def test_terminal_mode_draws_one_bar_and_scrolls_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    run_a_training(TrainingLogger(None, mode="terminal", stream=stream, total_steps=300, flops_per_item=1e9))
    text = stream.getvalue()
    for wanted in (
        "loss",
        "lr 3.00e-04",
        "tokens/s",
        "TFLOP/s",
        "ETA",
        "300/300",
        "validation",
        "nearly there",
    ):
        assert wanted in text, wanted
    assert "[red]a" in text, "a sample's brackets are text, not markup"
    assert "\x1b[2J" not in text, "a sample cannot clear the screen"
    assert text.count("\n") < 200, "300 steps are one bar, redrawn a few times a second"


def test_notebook_mode_redraws_one_output_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    displays: list[Any] = []

    def display(html: Any, display_id: bool = False) -> SimpleNamespace:
        displays.append(html)
        drawn.append(html.data)
        return SimpleNamespace(update=lambda new: drawn.append(new.data))

    module = ModuleType("IPython.display")
    module.HTML = lambda data: SimpleNamespace(data=data)  # type: ignore[attr-defined]
    module.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    logger = TrainingLogger(None, mode="notebook", total_steps=300)
    logger.message("<script>bad()</script>")
    run_a_training(logger)
    assert len(displays) == 1, "one output, updated in place"
    assert len(drawn) < 60, "300 steps must not fill the notebook"
    assert "300/300" in drawn[-1]
    assert drawn[-1].count("<tr>") == 4, "head and three validations"
    assert "<script>" not in drawn[-1]
    assert "&lt;script&gt;" in drawn[-1]


def test_auto_takes_what_the_output_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert choose_mode("auto", io.StringIO()) == "plain"
    assert choose_mode("auto", Terminal()) == "terminal"
    monkeypatch.setenv("TERM", "dumb")
    assert choose_mode("auto", Terminal()) == "plain"
    closed = io.StringIO()
    closed.close()
    assert choose_mode("auto", closed) == "plain"
    assert choose_mode("silent", Terminal()) == "silent"


def test_auto_sees_a_jupyter_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    class ZMQInteractiveShell:
        pass

    class TerminalInteractiveShell:
        pass

    ipython = ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    ipython.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    assert choose_mode("auto", io.StringIO()) == "notebook"
    ipython.get_ipython = TerminalInteractiveShell  # type: ignore[attr-defined]
    assert choose_mode("auto", io.StringIO()) == "plain"


def test_an_unknown_mode_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match="'fancy' is unknown; allowed are auto, terminal"):
        make_display("fancy", io.StringIO(), plain_every_s=1)


def test_the_readout_puts_the_loss_first_and_hides_what_is_zero() -> None:
    readout = readout_of(
        {"skipped": 0, "z": 1.5, "lr": 1e-3, "items": 5, "loss": 2.0, "status": "ok"},
        {"eta_s": 61.0},
        "tokens",
    )
    assert list(readout.items()) == [
        ("loss", "2.0000"),
        ("lr", "1.00e-03"),
        ("z", "1.500"),
        ("left", "ETA 1 min 01 s"),
    ]
    assert readout_of({"skipped": 2, "status": "nan_gradient"}, {}, "tokens") == {
        "skipped": "2",
        "status": "nan_gradient",
    }


def test_printable_keeps_text_and_drops_control_characters() -> None:
    assert printable("a\tb\n“ü” 日本") == "a\tb\n“ü” 日本"
    assert printable("\x1b]0;title\x07\x7f\r") == "�]0;title���"
