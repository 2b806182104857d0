"""Animals: those who are heroes, birds, those kept at home, and the young that get lost."""

from mldata.storybook.lexicon import words

# Heroes all have paws, so that every plot may let them carry, pull and dig.
HEROES = words("""
rabbit, fox, bear, mouse, squirrel, hedgehog, badger, otter, beaver, mole, raccoon, kitten, puppy,
hamster, panda, koala, dormouse, chipmunk, wombat, lynx, marten, meerkat, hare, weasel, shrew, bear cub,
lion cub, wolf cub
""")

BIRDS = words("""
robin, sparrow, blackbird, crow, magpie, swallow, pigeon, starling, wren, finch, thrush, jay, blue tit,
dove, woodpecker
""")

PETS = words("""
dog, cat, puppy, kitten, rabbit, parrot, goat, pony, donkey, hen, guinea pig, tortoise, goose, duck,
hamster
""")

# (noun, the young, its cry as a verb in the past, where it lives)
LOST_YOUNG = (
    ("duck", "duckling", "peeped", "the pond"),
    ("cat", "kitten", "mewed", "the barn"),
    ("goose", "gosling", "peeped", "the river"),
    ("sheep", "lamb", "bleated", "the meadow"),
    ("dog", "puppy", "whimpered", "the farm"),
    ("owl", "owlet", "hooted", "the old oak"),
    ("deer", "fawn", "whimpered", "the forest"),
    ("hen", "chick", "cheeped", "the henhouse"),
    ("goat", "kid", "bleated", "the hillside"),
    ("pig", "piglet", "squealed", "the farm"),
    ("cow", "calf", "mooed", "the pasture"),
    ("horse", "foal", "whinnied", "the stable"),
)
