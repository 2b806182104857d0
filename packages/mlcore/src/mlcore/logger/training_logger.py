"""The logger of a training run: what a person sees, what the files keep, what trackers get."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from mlcore.logger.number_format import format_number
from mlcore.logger.plain_values import restore_numbers, to_plain
from mlcore.logger.progress import Display, SilentDisplay, epoch_line, make_display, pick_sample, readout_of
from mlcore.logger.run_files import RunFiles
from mlcore.logger.run_state import RunState
from mlcore.logger.run_summary import closing_line, summary_content
from mlcore.logger.throughput import ThroughputMeter
from mlcore.logger.trackers import Trackers


class TrainingLogger:
    """Shows a training run and records it in its folder.

    Files, all inside `folder`:
        metrics.jsonl         one record a line: {"kind": "step"|"validation"|"epoch", "step": n, …, "timing":
                              {…}}. What depends on the clock is in "timing": two equal runs, or a run and its
                              resumed twin, differ nowhere else. NaN, infinity are the strings "NaN",
                              "Infinity".
        metrics.json          the summary; "status" is "running" until `finish`
        logs/messages.jsonl   messages and warnings with their time; a resume adds to it and cuts nothing
        logs/tensorboard/     event files
        samples/step_00000100.json

    Trouble with a disk or a tracker costs a warning, never the run. No secret of the environment is written.

    Args:
        folder: the run folder; None keeps no files.
        mode: "auto" chooses "terminal", "notebook" or "plain" by what the output is; "silent" shows nothing.
        total_steps: for the bar and the time left; None where unknown.
        flops_per_item: operations of training on one item, forward and backward: gives TFLOP/s.
        item_name: what `num_items` counts ("tokens", "images").
        config: the resolved configuration, for W&B.
        plain_every_s: seconds between two lines in plain mode.
        stream: where to show progress; standard output when None.
        clock: seconds, monotonic.
        rank: process number of a distributed run (None: RANK of the environment); only 0 writes and shows.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        mode: str = "auto",
        total_steps: int | None = None,
        flops_per_item: float | None = None,
        item_name: str = "tokens",
        tensorboard: bool = True,
        wandb: bool = False,
        wandb_project: str | None = None,
        experiment_name: str | None = None,
        config: Mapping[str, Any] | None = None,
        plain_every_s: float = 10,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        rank: int | None = None,
    ) -> None:
        is_first = (rank if rank is not None else int(os.environ.get("RANK") or 0)) == 0
        self.folder = Path(folder) if folder is not None and is_first else None
        self.total_steps = total_steps
        self.flops_per_item = flops_per_item
        self.item_name = item_name
        self.experiment_name = experiment_name
        mode = mode if is_first else "silent"
        self._display: Display = make_display(mode, stream or sys.stdout, plain_every_s=plain_every_s)
        self._clock = clock
        self._meter = ThroughputMeter(clock)
        self._files = RunFiles(self.folder, self.warn) if self.folder is not None else None
        self._trackers: Trackers | None = None
        if self.folder is not None:
            options = {"project": wandb_project, "name": experiment_name, "config": to_plain(config or {})}
            self._trackers = Trackers(
                self.folder, self.warn, tensorboard=tensorboard, wandb=wandb, wandb_options=options
            )
        self._info: dict[str, Any] = {}
        self._state = RunState()
        self._began_at = clock()
        self._resumed = self._started = self._finished = False

    # ------------------------------------------------------------------ beginning

    def start(self, info: Mapping[str, Any] | None = None) -> None:
        """Opens the files and shows the head of the run.

        `info` names what runs ("device", "parameters", "model", "data", …): shown here, kept in metrics.json.
        """
        self._started = True
        self._info = dict(to_plain(dict(info or {})))
        self._begin_session()
        self._write_summary("running", {})
        name = self.experiment_name or (self.folder.name if self.folder is not None else "training")
        title = name if self.folder is None else f"{name} → {self.folder}"
        shown = {key: _info_text(value) for key, value in self._info.items()}
        self._show(lambda display: display.start(title, shown, self.total_steps))

    def _begin_session(self) -> None:
        # The stream opens with the first record: only then it is known whether this is a resume.
        if self._started and self._trackers is not None:
            self._trackers.start(after_step=self._state.step if self._resumed else None)
        self._began_at = self._clock()
        self._meter.start(self._state.step)

    # ------------------------------------------------------------------ records

    def log_step(self, step: int, metrics: Mapping[str, Any], num_items: int = 0) -> None:
        """Records training step `step` (1 is the first).

        `metrics` holds "loss", "lr", "grad_norm", "status" and what else there is; `num_items` counts the
        items of all steps since the last call.
        """
        self._state.step = step
        self._state.items += num_items
        timing = self._timing(self._meter.update(step, num_items))
        values = self._record("step", step, {"items": self._state.items, **metrics}, timing)
        self._state.latest["train"] = values
        readout = readout_of(values, timing, self.item_name)
        self._show(lambda display: display.step(step, readout))

    def log_validation(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Records a validation after step `step`. The lowest "loss" is remembered as the best."""
        values = self._record("validation", step, metrics, self._timing(None))
        self._state.note_validation(step, values)
        readout = readout_of(values, {}, self.item_name)
        self._show(lambda display: display.validation(step, readout))
        self._meter.exclude(step)

    def log_epoch(
        self, epoch: int, metrics: Mapping[str, Mapping[str, Any]], *, step: int | None = None
    ) -> None:
        """Records the end of epoch `epoch`: {"train": {...}, "val": {...}}."""
        self._state.epochs = max(self._state.epochs, epoch)
        at = self._state.step if step is None else step
        values = self._record("epoch", at, {"epoch": epoch, **metrics}, self._timing(None))
        self._show(lambda display: display.message(epoch_line(epoch, values)))

    def log_samples(self, step: int, samples: Sequence[Mapping[str, Any]]) -> None:
        """Writes `samples` ({"prompt": …, "text": …}) of step `step` to samples/ and shows the first."""
        plain = to_plain(samples)
        if self._files is not None and self._trackers is not None:
            self._files.write_samples(step, plain)
            for number, sample in enumerate(plain, start=1):
                self._trackers.text(f"samples/{number}", str(sample.get("text", "")), step)
        picked = pick_sample(plain)
        if picked is not None:
            self._show(lambda display: display.sample(step, *picked))
        self._meter.exclude(step)

    def message(self, text: str) -> None:
        """Shows `text` and keeps it in logs/messages.jsonl."""
        self._say("message", text)

    def warn(self, text: str) -> None:
        """Shows `text` as a warning and keeps it in logs/messages.jsonl; the report lists it."""
        self._say("warning", text)

    @contextlib.contextmanager
    def untimed(self) -> Iterator[None]:
        """Around validation, saving and the like: its time does not count in items a second."""
        self._meter.pause()
        try:
            yield
        finally:
            self._meter.resume()

    def _record(
        self, kind: str, step: int, metrics: Mapping[str, Any], timing: Mapping[str, float]
    ) -> dict[str, Any]:
        """Sends one record to the stream and the trackers; returns its metrics as plain values."""
        plain = to_plain(metrics)
        values: dict[str, Any] = restore_numbers(plain)
        if self._files is not None and self._trackers is not None:
            metrics_file = self._files.open_metrics(resumed=self._resumed)
            metrics_file.append({"kind": kind, "step": int(step), **plain, "timing": timing})
            self._trackers.record(kind, step, values, timing)
        return values

    def _timing(self, items_per_s: float | None) -> dict[str, float]:
        timing = {"time_s": round(self._wall_s(), 3)}
        if items_per_s is not None:
            timing |= self._speed(items_per_s)
            left = self._meter.seconds_left(self._state.step, self.total_steps)
            if left is not None:
                timing["eta_s"] = round(left, 1)
        return timing

    def _speed(self, items_per_s: float | None) -> dict[str, float]:
        if items_per_s is None:
            return {}
        speed = {"items_per_s": round(items_per_s, 3)}
        if self.flops_per_item is not None:
            speed["tflops"] = items_per_s * self.flops_per_item / 1e12
        return speed

    def _wall_s(self) -> float:
        return self._state.wall_s + self._clock() - self._began_at

    def _training_s(self) -> float:
        """Time of the logged steps alone: without validation, saving and showing samples."""
        return self._state.training_s + self._meter.training_s

    # ------------------------------------------------------------------ resume

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: plain numbers only. Forces the stream to the disk first."""
        records = 0
        if self._files is not None and self._trackers is not None:
            records = self._files.sync()
            self._trackers.flush()
        return self._state.state_dict(records=records, wall_s=self._wall_s(), training_s=self._training_s())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, before or after `start`.

        Records and samples that were written after the checkpoint are cut off: the resumed run writes them
        again. An empty state (of a run without a logger) cuts nothing.
        """
        self._resumed = True
        if not state:
            return
        self._state.load(state)
        if self._files is not None:
            self._files.cut_back(self._state.step, state.get("records"))
        self._begin_session()

    # ------------------------------------------------------------------ end

    def finish(self, status: str, summary: Mapping[str, Any] | None = None) -> None:
        """Writes metrics.json and closes everything. A second call changes nothing.

        `status` is "completed", "early_stopped", "interrupted", "diverged" or "failed". `summary` may hold
        "reason", "steps", "epochs", "best", "final", "parameters" and more; what it leaves out comes from the
        records.
        """
        if self._finished:
            return
        self._finished = True
        if self._files is not None and self._trackers is not None:
            self._trackers.finish()
            self._files.close_metrics()
        given = dict(summary or {})
        self._write_summary(status, given)
        # The trainer counts every update, the records only those that were logged.
        steps = given.get("steps") or self._state.step
        self._show(lambda display: display.finish(self._closing_line(status, steps)))
        if self._files is not None:
            self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        code = 130 if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", 1)
        status = {130: "interrupted", 143: "interrupted", 4: "diverged"}.get(code, "failed")
        self.finish(status, {"reason": f"{type(error).__name__}: {error}".rstrip(": ")})

    def _write_summary(self, status: str, given: Mapping[str, Any]) -> None:
        if self._files is None:
            return
        content = summary_content(
            status,
            self._state,
            self._info,
            given,
            total_steps=self.total_steps,
            flops_per_item=self.flops_per_item,
            wall_s=self._wall_s(),
            training_s=self._training_s(),
            item_name=self.item_name,
            throughput=self._speed(self._meter.mean_items_per_s()),
        )
        self._files.write_summary(content)

    def _closing_line(self, status: str, steps: int) -> str:
        speed = self._meter.mean_items_per_s()
        return closing_line(
            status, self._state, steps, wall_s=self._wall_s(), items_per_s=speed, item_name=self.item_name
        )

    # ------------------------------------------------------------------ showing

    def _say(self, kind: str, text: str) -> None:
        plain = to_plain(text)
        if self._files is not None:
            timing = {"time_s": round(self._wall_s(), 3)}
            self._files.add_message({"kind": kind, "step": self._state.step, "text": plain, "timing": timing})
        self._show(lambda display: display.message(plain, warning=kind == "warning"))

    def _show(self, show: Callable[[Display], None]) -> None:
        """Shows something; a closed pipe or terminal ends the showing, not the training."""
        try:
            show(self._display)
        except (OSError, ValueError, ImportError):
            self._display = SilentDisplay()


def _info_text(value: Any) -> str:
    return format_number(value) if isinstance(value, int | float) else str(value)
