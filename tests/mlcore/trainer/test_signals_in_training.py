"""Ctrl-C and SIGTERM as a shell sends them: the state is saved, the exit code is 130 or 143, nothing is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from mlcore.checkpoint import CheckpointManager
from mlcore.errors import InterruptedRun
from mlcore.trainer import BaseTrainer, Callback
from tiny_trainer_task import SeededLoader, batches, full_config, make_trainer, outcome


class SendAt(Callback):
    """Sends this process a real signal during the given update."""

    def __init__(self, step: int, number: signal.Signals) -> None:
        self.step, self.number = step, number

    def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
        if trainer.progress.step == self.step:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_resumed_run_ends_as_if_it_had_not_come(
    tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    handler = signal.getsignal(number)
    whole = make_trainer(tmp_path / "whole", full_config())
    whole.train(SeededLoader(batches()), batches(8))
    first = make_trainer(tmp_path / "cut", full_config(), callbacks=[SendAt(13, number)])
    with pytest.raises(InterruptedRun, match="after step 13; the state is saved") as caught:
        first.train(SeededLoader(batches()), batches(8))
    assert caught.value.exit_code == exit_code
    assert '"interrupted"' in (tmp_path / "cut" / "metrics.json").read_text()
    assert signal.getsignal(number) == handler
    second = make_trainer(tmp_path / "cut", full_config())
    second.resume(CheckpointManager(tmp_path / "cut" / "checkpoints").load("last").state)
    second.train(SeededLoader(batches()), batches(8))
    assert outcome(second, tmp_path / "cut") == outcome(whole, tmp_path / "whole")


def test_without_checkpoints_the_message_says_that_nothing_was_saved() -> None:
    trainer = make_trainer(None, full_config(), callbacks=[SendAt(2, signal.SIGTERM)])
    with pytest.raises(InterruptedRun, match="stopped by SIGTERM after step 2; nothing was saved"):
        trainer.train(batches(), batches(8))
