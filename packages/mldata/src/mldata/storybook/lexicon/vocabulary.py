"""The lists that sentence forms may name directly, as in `under a~ <tree> tree`."""

from collections.abc import Mapping

from mldata.storybook.lexicon import creatures, food, nature, people, things

LISTS: Mapping[str, tuple[str, ...]] = {
    "color": things.COLORS,
    "tree": nature.TREES,
    "weekday": nature.WEEKDAYS,
    "bird": creatures.BIRDS,
    "pet": creatures.PETS,
    "fruit": food.FRUITS,
    "vegetables": food.VEGETABLES,
    "snack": food.SNACKS,
    "cake": food.CAKES,
    "warm_drink": food.WARM_DRINKS,
    "meal": food.MEALS,
    "game": people.GAMES,
    "box": things.BOXES,
}
