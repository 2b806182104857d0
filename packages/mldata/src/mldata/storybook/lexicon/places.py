"""Places: how one is there, how one goes there, and where in them things hide."""

from typing import NamedTuple

from mldata.storybook.lexicon import words


class Place(NamedTuple):
    where: str  # "in the park"
    goal: str  # "to the park"
    the: str  # "the park"
    spots: tuple[str, ...]  # "under the bench"


def _place(preposition: str, the: str, spots: str, goal: str = "to") -> Place:
    return Place(f"{preposition} {the}", f"{goal} {the}", the, words(spots))


OUTDOORS = (
    _place(
        "in",
        "the park",
        """
        under the bench, behind the swings, beside the fountain, in the tall grass, next to the slide,
        under the big chestnut tree, near the duck pond, behind the statue
        """,
    ),
    _place(
        "in",
        "the garden",
        """
        between the roses, behind the shed, under the wheelbarrow, beside the well, among the cabbages,
        under the apple tree, behind the watering can, near the fence
        """,
    ),
    _place(
        "in",
        "the meadow",
        """
        among the daisies, in the tall grass, beside the stream, under the old willow, behind a molehill,
        near the wooden gate, between two stones, next to an anthill
        """,
    ),
    _place(
        "in",
        "the forest",
        """
        under a fern, behind a mossy log, among the roots of an oak, next to a mushroom, in a heap of
        leaves, beside the path, under a bush, near the stream
        """,
    ),
    _place(
        "by",
        "the river",
        """
        under the bridge, between the reeds, on a flat stone, behind the boathouse, beside a willow, in
        the mud, near the little dam, under an old rowboat
        """,
    ),
    _place(
        "on",
        "the hill",
        """
        behind a big rock, in the heather, beside the path, under the lonely pine, near the top, next to
        an old wall, in a hollow, among the blueberry bushes
        """,
    ),
    _place(
        "by",
        "the lake",
        """
        on the jetty, between the reeds, under a boat, beside a campfire, behind a log, near the water
        lilies, on the sandy bank, under the birches
        """,
    ),
    _place(
        "in",
        "the orchard",
        """
        under a pear tree, behind a ladder, among the fallen apples, beside the beehives, in an empty
        basket, near the stone wall, between two crates
        """,
    ),
    _place(
        "on",
        "the farm",
        """
        behind the barn, in the hay, next to the tractor, under the cart, near the henhouse, beside the
        pigsty, in the stable, between two milk cans
        """,
    ),
    _place(
        "in",
        "the valley",
        """
        beside the brook, under a hazel bush, behind a boulder, near the old mill, in the clover, next to
        a broken fence, among the ferns
        """,
    ),
    _place(
        "at",
        "the edge of the wood",
        """
        under the brambles, behind a tree stump, in the dry leaves, beside a puddle, near a fallen branch,
        among the pine cones
        """,
    ),
    _place(
        "by",
        "the pond",
        """
        among the bulrushes, on a lily leaf, beside the little pier, under a dock plant, behind a gray
        stone, near the frogs, in the wet moss
        """,
    ),
)
SEASHORE = _place(
    "by",
    "the sea",
    """
        between two rocks, in the seaweed, beside a big shell, near the dunes, in a shallow pool, under a
        piece of driftwood
        """,
)
TOWN = (
    _place(
        "at",
        "the playground",
        """
        in the sandbox, under the slide, behind the seesaw, beside the climbing frame, next to the swings,
        near the gate, under a bench
        """,
    ),
    _place(
        "at",
        "the beach",
        """
        between two rocks, beside a sandcastle, under a towel, behind a boat, in the seaweed, near the ice
        cream stand, next to a pile of shells, on the pier
        """,
    ),
    _place(
        "at",
        "the market",
        """
        under the fruit stall, behind a stack of baskets, next to the fish stand, between two barrels,
        beside the fountain, among the pumpkins, near the flower seller
        """,
    ),
    _place(
        "at",
        "school",
        """
        under a desk, behind the coat rack, on the bookshelf, in the paint corner, beside the blackboard,
        near the window, under the stairs
        """,
    ),
    _place(
        "in",
        "the library",
        """
        between two books, under a table, behind the globe, on the lowest shelf, beside the reading chair,
        near the door, under a cushion
        """,
    ),
    _place(
        "in",
        "the schoolyard",
        """
        under the maple tree, behind the bicycle stand, beside the wall, near the water tap, next to the
        steps, in a corner, behind a bin
        """,
    ),
    _place(
        "in",
        "the old town",
        """
        beside the fountain, on the church steps, under an archway, behind a flowerpot, next to a
        lamppost, near the bakery, under a cafe table
        """,
    ),
    _place(
        "at",
        "the harbor",
        """
        behind a pile of ropes, under a fishing net, beside a barrel, next to an anchor, between two
        crates, near the lighthouse, on the stone steps
        """,
    ),
    _place(
        "at",
        "the zoo",
        """
        near the penguins, under a bench, beside the monkey house, behind the ticket office, next to the
        giraffes, by the seal pool, under a sign
        """,
    ),
    _place(
        "at",
        "the train station",
        """
        under a bench, beside the clock, behind a suitcase, near the ticket machine, next to the kiosk, on
        the platform, between two carts
        """,
    ),
    _place(
        "at",
        "the fair",
        """
        beside the merry-go-round, under a tent, behind the popcorn stand, near the Ferris wheel, next to
        the drummers, between two wagons, under a table
        """,
    ),
    _place(
        "at",
        "the swimming pool",
        """
        under a towel, beside the slide, behind the showers, near the ticket desk, next to a deck chair,
        under a palm tree, on the steps
        """,
    ),
)

INDOOR_SPOTS = words("""
        under the bed, behind the sofa, in the laundry basket, under the kitchen table, on top of the
        cupboard, behind the curtain, in the toy box, under the rug, beside the stove, in a boot, on the
        windowsill, behind the door, under a pillow, in the hall, between two cushions, in the bathtub,
        behind a pile of books, next to the umbrella stand
        """)
DEN_SPOTS = words("""
        under the bed of leaves, behind the door, in the nut basket, under the little table, on top of the
        shelf, beside the stove, under a blanket, in the pantry, behind a pile of acorns, on the
        windowsill, in the corner, under the rocking chair, next to the honey jars, behind the broom
        """)
