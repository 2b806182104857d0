"""From a seed and an index to a story; training and validation stories apart by construction."""

from collections.abc import Iterator
from functools import cache
from itertools import count as count_from
from typing import Literal
from zlib import crc32

from mldata.storybook.chance import Chance
from mldata.storybook.plot import Plot
from mldata.storybook.plots import all_plots
from mldata.storybook.tale import Tale
from mldata.storybook.world import ANIMAL, CHILD, World

Split = Literal["train", "validation"]
VALIDATION_COUNT = 2_000
# One combination of hero and subject in ten is never seen in training.
HELD_OUT_ONE_IN = 10
# Validation stories begin here; nobody asks for so many training stories.
FIRST_VALIDATION_INDEX = 1 << 40


@cache
def _plots() -> tuple[Plot, ...]:
    return all_plots()


def held_out(hero: str, subject: str) -> bool:
    """Whether stories of this hero about this subject are for validation only."""
    return crc32(f"{hero}\n{subject}".encode()) % HELD_OUT_ONE_IN == 0


def tell(seed: int, index: int) -> Tale:
    """The tale behind `story(seed, index)`, with its cast and its subject."""
    wanted = index >= FIRST_VALIDATION_INDEX
    chance = Chance(seed, index)
    plots = _plots()
    while True:
        plot = plots[int(chance.random() * len(plots))]
        world = World(chance, CHILD if chance.random() < plot.child_share else ANIMAL)
        subject = chance.favour(plot.subjects if world.is_child else plot.animal_subjects)
        if held_out(world.hero[""], subject) == wanted:
            break
    tale = Tale(world, chance, plot.grammar, subject)
    plot.tell(tale)
    return tale


def story(seed: int, index: int) -> str:
    """A story of about 60 to 220 words, a pure function of its arguments.

    Indices from `FIRST_VALIDATION_INDEX` on give validation stories, smaller ones (from 0) training stories.
    """
    if index < 0:
        raise ValueError(f"index must not be negative, got {index}")
    return tell(seed, index).text()


def stories(seed: int, count: int, start: int = 0) -> Iterator[str]:
    """`count` stories from index `start` on."""
    return (story(seed, index) for index in range(start, start + count))


def documents(split: Split, count: int | None = None, seed: int = 0) -> Iterator[str]:
    """The stories of a split: training without end unless counted, validation 2,000 unless counted.

    Raises ValueError for another split or a negative count.
    """
    if split not in ("train", "validation"):
        raise ValueError(f"the story book has the splits 'train' and 'validation', not {split!r}")
    if count is not None and count < 0:
        raise ValueError(f"count must not be negative, got {count}")
    if split == "validation":
        return stories(seed, VALIDATION_COUNT if count is None else count, FIRST_VALIDATION_INDEX)
    if count is None:
        return (story(seed, index) for index in count_from())
    return stories(seed, count)
