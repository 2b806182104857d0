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
FOUL = (
    ("gray", "the sky was full of clouds"),
    ("rainy", "the rain was tapping on the roof"),
    ("cold", "the windows were covered with frost"),
    ("foggy", "a thick fog hid the hills"),
    ("windy", "the wind was whistling around the corners"),
    ("snowy", "snow was falling softly"),
    ("wet", "there were puddles everywhere"),
    ("cloudy", "the clouds hung low"),
    ("chilly", "the wind was cold"),
    ("stormy", "the wind was shaking the trees"),
)
WEEKDAYS = words("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
SEASONS = words("spring, summer, autumn")

TREES = words("""
oak, apple, pine, birch, maple, willow, chestnut, cherry, pear, elm, linden, beech, walnut, plum, fig, ash
""")
FLOWERS = words("""
daisies, roses, tulips, sunflowers, poppies, violets, bluebells, daffodils, lilies, buttercups, marigolds,
dandelions, cornflowers, snowdrops, primroses, forget-me-nots, lavender, pansies, peonies
""")
BUSHES = words("""
rose bush, berry bush, hazel bush, lilac bush, blackberry bush, holly bush, juniper bush, hedge
""")
