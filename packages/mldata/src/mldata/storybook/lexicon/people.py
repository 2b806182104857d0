"""Who people and animals are: traits, families, trades, homes, and what they like to do."""

from mldata.storybook.lexicon import words

# None of these says brave or afraid, generous or mean, patient or hasty: plots decide about that.
TRAITS = words("""
little, cheerful, curious, kind, clever, gentle, lively, quiet, friendly, funny, young, small, merry,
playful, thoughtful, dreamy, busy, polite, bright, sweet, chatty, careful, jolly, tidy, noisy, messy,
hopeful, imaginative, sleepy, inventive, sensible, adventurous, bouncy, giggly, talkative
""")

# These stand after `so` and `very`.
TRAITS_AFTER_SO = words("""
cheerful, curious, kind, clever, gentle, lively, friendly, funny, playful, polite, jolly, helpful, bright
""")

# (what it is called when first named, its name from then on, gender)
RELATIVES = (
    ("mother", "Mom", "f"),
    ("father", "Dad", "m"),
    ("grandmother", "Grandma", "f"),
    ("grandfather", "Grandpa", "m"),
    ("grandma", "Granny", "f"),
    ("mother", "Mama", "f"),
    ("father", "Papa", "m"),
    ("big sister", "{girl}", "f"),
    ("big brother", "{boy}", "m"),
    ("aunt", "Aunt {girl}", "f"),
    ("uncle", "Uncle {boy}", "m"),
)
ANIMAL_RELATIVES = RELATIVES[:9]

TRADES = words("""
baker, gardener, teacher, postman, farmer, librarian, carpenter, doctor, fisherman, shoemaker, cook,
shopkeeper, painter, tailor, clockmaker, bus driver, musician, potter, beekeeper, florist, ferryman,
lighthouse keeper, weaver, blacksmith, bookbinder, nurse, park keeper, toymaker, sailor, milkman, miller,
plumber
""")

# Wise old animals, with their place.
ELDERS = words("""
Owl, Badger, Tortoise, Heron, Bear, Toad, Goat, Raven, Goose, Donkey, Stork, Hare, Elk, Crow, Walrus,
Turtle, Pelican
""")

CHILD_HOMES = words("""
in a small village, by the sea, in a tall house in the city, on a farm, in a yellow house on a hill, near
a big forest, in a town with narrow streets, above a bakery, beside a river, at the edge of a village, in
a house with a red door, on a small island, in a valley between two mountains, in a cottage with a crooked
chimney, next to a railway station, near the harbor, at the end of a long road, in a white house near the
market, on the third floor of an old house, in a wooden house by a lake, behind the school, in a village
with only nine houses, on a houseboat, near a windmill, across from a bookshop, in a warm country full of
palm trees, where the winters are long and snowy, at the foot of a green mountain, in a busy street with a
fountain, on the sunny side of the valley
""")

ANIMAL_HOMES = words("""
in a hollow tree, under an old oak, in a cozy burrow, at the edge of the forest, beside a quiet stream, on
a green hill, under the roots of a pine tree, in a meadow full of clover, near a pond with lilies, behind
a mossy rock, in a snug den, in a warm nest of leaves, at the bottom of a garden, under a bramble bush, in
the middle of the wood, between two big stones, in an old barn, under a wooden bridge, in a valley full of
ferns, by a waterfall, at the foot of a mountain, in a thicket of hazel bushes, beneath a heap of logs,
beside a field of barley
""")

HOBBIES = words("""
to draw pictures, to sing songs, to climb trees, to look at the clouds, to jump in puddles, to collect
round stones, to ask questions, to tell jokes, to play hide and seek, to listen to stories, to dance in
the kitchen, to watch birds, to run down the hill, to count the stars, to splash in the water, to make up
games, to whistle, to smell the flowers, to look for beetles, to roll in the grass, to build little houses
out of sticks, to chase butterflies, to help others, to sleep late, to eat berries, to invent funny words,
to hum while working, to learn new things, to walk in the rain, to catch snowflakes, to play with friends,
to follow snails, to hop on one leg, to feed the ducks, to collect feathers, to balance on walls, to read
the same story again and again, to imagine faraway lands
""")

CHILD_HOBBIES = words("""
to ride a scooter, to paint with bright colors, to read books, to bake with flour and sugar, to play the
drum, to dress up as a pirate, to fly paper airplanes, to look at maps, to build towers, to take things
apart, to kick a ball, to play chess with the neighbors, to write letters, to skip rope, to cut stars out
of paper, to wear silly hats
""")

GAMES = words("""
tag, hide and seek, catch, pirates, hopscotch, leapfrog, explorers, marbles, follow the leader, treasure
hunters, detectives, knights, kings and queens, astronauts, skittles, shopkeepers, circus, statues
""")
