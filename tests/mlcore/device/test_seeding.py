"""Seeds make everything repeatable, and the states survive a checkpoint."""

import io
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from mlcore.seeding import capture_rng_state, restore_rng_state, seed_everything, seed_for, worker_init


def draw() -> tuple[list[float], ...]:
    return (
        [random.random(), random.gauss(0, 1)],
        [*np.random.rand(2).tolist(), float(np.random.randn())],
        [*torch.rand(2).tolist(), *torch.nn.functional.dropout(torch.ones(5)).tolist()],
    )


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    results = []
    for seed in (7, 7, 8):
        seed_everything(seed)
        results.append(draw())
    assert results[0] == results[1]
    assert all(a != b for a, b in zip(results[0], results[2], strict=True))


def test_the_state_of_every_generator_survives_a_checkpoint() -> None:
    seed_everything(1)
    draw()  # an odd number of gauss() draws: Python and NumPy now keep a spare number
    buffer = io.BytesIO()
    torch.save(capture_rng_state(), buffer)
    expected = [draw() for _ in range(3)]
    seed_everything(99)
    buffer.seek(0)
    restore_rng_state(torch.load(buffer, weights_only=True))
    assert [draw() for _ in range(3)] == expected


@pytest.mark.parametrize("part", ["python", "numpy", "torch"])
def test_each_state_is_needed(part: str) -> None:
    seed_everything(1)
    state = capture_rng_state()
    expected = draw()
    seed_everything(2)
    state[part] = capture_rng_state()[part]
    restore_rng_state(state)
    different = [a != b for a, b in zip(draw(), expected, strict=True)]
    assert different == [name == part for name in ("python", "numpy", "torch")]


def test_deterministic_mode_is_switched_on_and_off() -> None:
    try:
        seed_everything(0, deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
    finally:
        seed_everything(0)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seeds_out_of_range_are_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="must be at least 0 and below"):
        seed_everything(seed)


def test_large_seeds_are_accepted_by_all_generators() -> None:
    seed_everything(2**63 - 1)
    first = draw()
    seed_everything(2**63 - 1)
    assert draw() == first


class Noise(torch.utils.data.Dataset[tuple[float, float, float]]):
    """Each item is what the worker's three generators say."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_workers_differ_from_each_other_and_between_epochs_and_repeat_under_the_same_seed() -> None:
    def all_numbers() -> list[float]:
        seed_everything(5)
        loader = torch.utils.data.DataLoader(
            Noise(),
            num_workers=2,
            batch_size=None,
            worker_init_fn=worker_init,
            multiprocessing_context="fork",
        )
        return [number for _ in range(2) for item in loader for number in item]

    numbers = all_numbers()
    assert len(numbers) == len(set(numbers)) == 2 * 4 * 3
    assert numbers == all_numbers()


def test_seed_for_is_the_same_in_every_process() -> None:
    program = "from mlcore.seeding import seed_for; print(seed_for(42, 'shuffle', 3))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": salt},
        ).stdout.strip()
        for salt in ("1", "2")
    }
    assert outputs == {str(seed_for(42, "shuffle", 3))}


def test_seed_for_depends_on_every_part_and_its_type() -> None:
    parts = [(1,), ("1",), (1, 2), (12,), (2, 1), ("a", "b"), ("ab",), ("a", "b", ""), (), (-1,), ("é",)]
    seeds = [seed_for(*part) for part in parts]
    assert len(set(seeds)) == len(parts)
    assert all(0 <= seed < 2**63 for seed in seeds)
