"""Weather, plants, and the days they belong to."""

from mldata.storybook.lexicon import words

# (adjective of the day, a clause that goes with it)
FAIR = (
    ("sunny", "the sun was shining"),
    ("bright", "the sky was blue"),
    ("warm", "the air was warm and soft"),
    ("fine", "the birds were singing"),
    ("clear", "there was not a cloud in the sky"),
    ("mild", "a soft wind was blowing"),
    ("lovely", "everything smelled of flowers"),
    ("hot", "the air was warm and still"),
    ("breezy", "the leaves were dancing in the wind"),
    ("quiet", "the whole world seemed to be resting"),
    ("golden", "the sun made everything glow"),
    ("fresh", "the grass was still wet with dew"),
    ("cool", "white clouds sailed across the sky"),
    ("beautiful", "butterflies were flying everywhere"),
)
WEEKDAYS = words("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
SEASONS = words("spring, summer, autumn")

TREES = words("""
oak, apple, pine, birch, maple, willow, chestnut, cherry, pear, elm, linden, beech, walnut, plum, fig, ash
""")
