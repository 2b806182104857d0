"""A resumed run is the uninterrupted run, bit for bit, and every piece of the saved state is needed for that."""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlcore.checkpoint import CheckpointManager
from mlcore.device import Precision
from mlcore.errors import CheckpointError, InterruptedRun
from mlcore.trainer import BaseTrainer, Callback, StepResult
from mlcore.trainer.run_state import PIECES, collect
from tiny_trainer_task import (
    SeededLoader,
    batches,
    full_config,
    make_trainer,
    metric_stream,
    outcome,
    shuffled_loader,
    tiny_model,
    weights_hash,
)

VALIDATION = batches(10, seed=9, size=3)


class SignalAt(Callback):
    """Asks the run to stop as Ctrl-C would: after update n, or for -n after the evaluation that follows
    update n.
    """

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer: BaseTrainer, result: StepResult) -> None:
        self._stop_at(trainer, trainer.progress.step)

    def on_validation_end(self, trainer: BaseTrainer, metrics: Any) -> None:
        self._stop_at(trainer, -trainer.progress.step)

    def _stop_at(self, trainer: BaseTrainer, place: int) -> None:
        if place == self.step:
            assert trainer.session is not None
            trainer.session.conditions._exit_code = lambda: 130


def run_with_stops(folder: Path, config: Any, loader: Callable[[], Any], stops: list[int]) -> dict[str, Any]:
    """Run to the end, in as many legs as there are stops and one more, each with new objects throughout."""
    for number, stop in enumerate([*stops, 10**9]):
        # Whatever the generators did before must not matter.
        torch.manual_seed(1234 + number)
        trainer = make_trainer(folder, config, callbacks=[SignalAt(stop)])
        if number:
            trainer.resume(CheckpointManager(folder / "checkpoints").load("last").state)
        if number < len(stops):
            with pytest.raises(InterruptedRun):
                trainer.train(loader(), VALIDATION)
        else:
            trainer.train(loader(), VALIDATION)
    return outcome(trainer, folder)


STOPS = {
    "at the end of an epoch": [8],
    "in the middle of an epoch": [11],
    "three times in one epoch": [9, 11, 14],
    "right before and right after an evaluation": [12, -15],
    "before the first evaluation and in the last epoch": [2, 21],
}
LOADERS: dict[str, Callable[[], Any]] = {
    "0 workers": lambda: shuffled_loader(0),
    "2 workers": lambda: shuffled_loader(2),
    "position known": lambda: SeededLoader(batches()),
}


@pytest.mark.filterwarnings("ignore:bf16 is emulated")
@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("loader", LOADERS)
def test_resumed_runs_equal_the_uninterrupted_run_bit_for_bit(
    tmp_path: Path, loader: str, precision: str
) -> None:
    config = full_config(mixed_precision=precision)
    whole = run_with_stops(tmp_path / "whole", config, LOADERS[loader], [])
    assert whole["progress"]["step"] == 24
    assert len([record for record in whole["stream"] if record["kind"] == "validation"]) == 8
    for number, stops in enumerate(STOPS.values()):
        assert run_with_stops(tmp_path / str(number), config, LOADERS[loader], stops) == whole


def test_another_seed_gives_another_run(tmp_path: Path) -> None:
    hashes = set()
    for seed in (1, 2):
        trainer = make_trainer(tmp_path / str(seed), full_config(epochs=1), seed=seed)
        trainer.train(SeededLoader(batches()), VALIDATION)
        hashes.add(weights_hash(trainer.model.state_dict()))
    assert len(hashes) == 2


def test_accumulation_windows_and_epoch_evaluations_resume_exactly(tmp_path: Path) -> None:
    config = full_config(accumulation_steps=3, eval_every=None, epochs=4, schedule="cosine")
    whole = run_with_stops(tmp_path / "whole", config, lambda: shuffled_loader(0), [])
    assert whole["progress"]["step"] == 12, "two windows of three batches and one of two, four times"
    for number, stops in enumerate(([3], [4], [5, 6, 7])):
        assert run_with_stops(tmp_path / str(number), config, lambda: shuffled_loader(0), stops) == whole


class StopInValidation(Callback):
    """A validation loader's accomplice: the signal comes while the n-th evaluation runs."""

    def __init__(self, number: int) -> None:
        self.number, self.trainer = number, None

    def on_train_start(self, trainer: BaseTrainer) -> None:
        self.trainer = trainer

    def __iter__(self) -> Any:
        self.number -= 1
        for batch in VALIDATION:
            if self.number == 0:
                assert self.trainer is not None
                self.trainer.session.conditions._exit_code = lambda: 143
            yield batch


@pytest.mark.parametrize("eval_every", [3, None])
def test_a_signal_during_an_evaluation_leaves_it_to_the_resumed_run(
    tmp_path: Path, eval_every: int | None
) -> None:
    config = full_config(eval_every=eval_every)
    whole = run_with_stops(tmp_path / "whole", config, lambda: shuffled_loader(0), [])
    folder = tmp_path / "cut"
    accomplice = StopInValidation(2)
    trainer = make_trainer(folder, config, callbacks=[accomplice])
    with pytest.raises(InterruptedRun) as caught:
        trainer.train(shuffled_loader(0), accomplice)
    assert caught.value.exit_code == 143
    assert len([record for record in metric_stream(folder) if record["kind"] == "validation"]) == 1
    trainer = make_trainer(folder, config)
    trainer.resume(CheckpointManager(folder / "checkpoints").load("last").state)
    trainer.train(shuffled_loader(0), VALIDATION)
    assert outcome(trainer, folder) == whole


# ---------------------------------------------------------------- every piece is needed


@pytest.fixture(scope="module")
def fp16_on_cpu() -> Any:
    """Loss scaling without a GPU: bf16 arithmetic is not needed to have a scaler with a state."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "mlcore.trainer.precision.choose_precision", lambda name, device: Precision("fp16", None, True)
        )
        yield


def piece_config() -> Any:
    """The largest loss is "best" here: the first evaluation's, so that forgetting it is not made good by
    later ones.
    """
    return full_config(
        mixed_precision="fp16",
        monitor_mode="max",
        early_stopping={"patience": 9},
        schedule={"type": "plateau", "patience": 2, "factor": 0.5, "warmup_steps": 3},
        epochs=4,
    )


class DrawingLoader(SeededLoader):
    """Its order hangs on its seed, and on a number that it draws when an epoch begins. Its second batch is
    spoilt.
    """

    def __init__(self) -> None:
        data = batches()
        data[1] = (data[1][0] * float("nan"), data[1][1])
        super().__init__(data)

    def __iter__(self) -> Any:
        drawn = int(torch.randint(10**6, ()))
        kept, self.seed = self.seed, self.seed + drawn
        chosen = super().__iter__()
        self.seed = kept
        return chosen


def first_leg(folder: Path) -> dict[str, Any]:
    """Up to the middle of the third epoch, with a NaN on the way, so that no counter is zero."""
    trainer = make_trainer(folder, piece_config(), callbacks=[SignalAt(17)])
    with pytest.raises(InterruptedRun):
        trainer.train(DrawingLoader(), VALIDATION)
    return CheckpointManager(folder / "checkpoints").load("last").state


def second_leg(source: Path, folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    """From ``state`` to the end, in a copy of the first leg's folder."""
    shutil.copytree(source, folder)
    torch.manual_seed(99)
    trainer = make_trainer(folder, piece_config())
    trainer.resume(state)
    trainer.train(DrawingLoader(), VALIDATION)
    return outcome(trainer, folder)


@pytest.fixture(scope="module")
def legs(tmp_path_factory: pytest.TempPathFactory, fp16_on_cpu: None) -> Any:
    """The first leg's folder and state, the outcome of the rest, and the state of a trainer that has not
    begun.
    """
    folder = tmp_path_factory.mktemp("pieces")
    state = first_leg(folder / "first")
    rest = second_leg(folder / "first", folder / "rest", copy.deepcopy(state))
    fresh_folder = folder / "fresh"
    fresh_trainer = make_trainer(fresh_folder, piece_config(), model=tiny_model(4))
    fresh_trainer.plan.make(batches(), fresh_trainer.distributed)
    torch.manual_seed(31)
    random.seed(31)
    np.random.seed(31)
    fresh = collect(fresh_trainer)
    fresh["loader"]["seed"] = 77
    fresh["rng"][0]["epoch"] = copy.deepcopy(fresh["rng"][0]["now"])
    return folder, state, rest, fresh


@pytest.mark.parametrize("piece", PIECES)
def test_a_checkpoint_without_one_piece_is_refused(legs: Any, tmp_path: Path, piece: str) -> None:
    _, state, _, _ = legs
    trainer = make_trainer(tmp_path, piece_config())
    with pytest.raises(CheckpointError, match=f"lacks {piece}"):
        trainer.resume({name: value for name, value in state.items() if name != piece})


def forget(state: dict[str, Any], fresh: dict[str, Any], path: str) -> dict[str, Any]:
    """The state with one entry as a trainer that has not begun would have it."""
    forgotten = copy.deepcopy(state)
    target, source, *_ = forgotten, fresh
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in parents:
        target, source = target[part], source[part]
    target[last] = copy.deepcopy(source[last])
    return forgotten


FORGOTTEN = [
    "model",
    "ema",
    "ema/num_updates",
    "optimizer",
    "schedule",
    "schedule/scale",
    "schedule/num_bad",
    "scaler",
    "rng/0/now/torch",
    "rng/0/epoch/torch",
    "loader/seed",
    "early_stopping",
    "best",
    "guard",
    "logger",
    "progress/items",
    "progress/epoch_means",
    "progress/history",
]


@pytest.mark.parametrize("path", FORGOTTEN)
def test_forgetting_one_piece_changes_the_run(legs: Any, tmp_path: Path, path: str) -> None:
    folder, state, rest, fresh = legs
    changed = second_leg(folder / "first", tmp_path / "run", forget(state, fresh, path))
    assert changed != rest


@pytest.mark.parametrize("path", ["rng/0/now/python", "rng/0/now/numpy"])
def test_all_generators_continue_where_they_stood(legs: Any, tmp_path: Path, path: str) -> None:
    _, state, _, fresh = legs
    draws = []
    for chosen in (state, forget(state, fresh, path)):
        make_trainer(tmp_path / str(len(draws)), piece_config()).resume(copy.deepcopy(chosen))
        draws.append((random.random(), float(np.random.random())))
    assert draws[0] != draws[1]


@pytest.mark.parametrize("key", ["step", "epoch", "position"])
def test_a_wrong_place_in_the_run_is_refused_or_changes_it(legs: Any, tmp_path: Path, key: str) -> None:
    folder, state, rest, fresh = legs
    forgotten = forget(state, fresh, f"progress/{key}")
    if key == "step":
        assert second_leg(folder / "first", tmp_path / "run", forgotten) != rest
    else:
        with pytest.raises(CheckpointError, match="contradicts itself"):
            second_leg(folder / "first", tmp_path / "run", forgotten)


def test_an_evaluation_is_not_repeated_after_a_resume_from_its_own_checkpoint(
    legs: Any, tmp_path: Path
) -> None:
    """From the checkpoint of an earlier step, too, the run comes out the same; its later log records are
    rewritten.
    """
    folder, _, rest, fresh = legs
    best = CheckpointManager(folder / "first" / "checkpoints").load("best")
    assert best.step == best.state["progress"]["evaluated_step"] == 3
    assert second_leg(folder / "first", tmp_path / "whole", copy.deepcopy(best.state)) == rest
    forgotten = forget(best.state, fresh, "progress/evaluated_step")
    assert second_leg(folder / "first", tmp_path / "forgotten", forgotten) != rest


def test_with_every_piece_the_run_is_the_same_again(legs: Any, tmp_path: Path) -> None:
    folder, state, rest, _ = legs
    assert second_leg(folder / "first", tmp_path / "run", copy.deepcopy(state)) == rest
    assert rest["guard"]["counts"]["nan_detected"] >= 3
    assert rest["scaler"]["_growth_tracker"] > 0
    assert rest["schedule"]["scale"] < 1
