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
def chosen_plots(names: tuple[str, ...] | None = None) -> tuple[Plot, ...]:
    """The plots of these names; all of them when None. ValueError for a name that no plot has."""
    plots = all_plots()
    unknown = [name for name in names or () if name not in plots]
    if unknown:
        raise ValueError(f"there is no plot {unknown[0]!r}; there are {', '.join(plots)}")
    return tuple(plots[name] for name in names or plots)


def held_out(hero: str, subject: str) -> bool:
    """Whether stories of this hero about this subject are for validation only."""
    return crc32(f"{hero}\n{subject}".encode()) % HELD_OUT_ONE_IN == 0


def tell(seed: int, index: int, plot_names: tuple[str, ...] | None = None) -> Tale:
    """The tale behind `story`, with its cast and its subject."""
    wanted = index >= FIRST_VALIDATION_INDEX
    chance = Chance(seed, index)
    plots = chosen_plots(plot_names)
    while True:
        plot = plots[int(chance.random() * len(plots))]
        world = World(chance, CHILD if chance.random() < plot.child_share else ANIMAL)
        subject = chance.favour(plot.subjects if world.is_child else plot.animal_subjects)
        if held_out(world.hero[""], subject) == wanted:
            break
    tale = Tale(world, chance, plot.grammar, subject)
    plot.tell(tale)
    return tale


def story(seed: int, index: int, plots: tuple[str, ...] | None = None) -> str:
    """A story of about 60 to 220 words, a pure function of its arguments; `plots` names those to choose from.

    Indices from `FIRST_VALIDATION_INDEX` on give validation stories, smaller ones (from 0) training stories.
    """
    if index < 0:
        raise ValueError(f"index must not be negative, got {index}")
    return tell(seed, index, plots).text()


def stories(seed: int, count: int, start: int = 0, plots: tuple[str, ...] | None = None) -> Iterator[str]:
    """`count` stories from index `start` on."""
    return (story(seed, index, plots) for index in range(start, start + count))


def documents(
    split: Split, count: int | None = None, seed: int = 0, plots: tuple[str, ...] | None = None
) -> Iterator[str]:
    """The stories of a split: training without end unless counted, validation 2,000 unless counted.

    Raises ValueError for another split, a negative count or a plot that there is not.
    """
    if split not in ("train", "validation"):
        raise ValueError(f"the story book has the splits 'train' and 'validation', not {split!r}")
    if count is not None and count < 0:
        raise ValueError(f"count must not be negative, got {count}")
    chosen_plots(plots)
    if split == "validation":
        return stories(seed, VALIDATION_COUNT if count is None else count, FIRST_VALIDATION_INDEX, plots)
    if count is None:
        return (story(seed, index, plots) for index in count_from())
    return stories(seed, count, plots=plots)
