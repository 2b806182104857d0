"""Things: toys, clothes, treasures, tools; and the adjectives that suit them."""

from mldata.storybook.lexicon import words

COLORS = words("""
red, blue, green, yellow, white, orange, purple, pink, brown, golden, silver, gray, violet, turquoise,
scarlet, crimson
""")
PATTERNS = words("""
striped, spotted, checked, shiny, bright, colorful, rainbow-colored, flowery, starry, dotted
""")
SIZES = words("""
little, big, tiny, old, new, lovely, beautiful, pretty, wonderful, favorite, special, funny, round
""")

# Things small enough to be carried in a pocket or worn, and so to be lost.
LOSABLE = words("""
ball, scarf, hat, marble, whistle, teddy bear, key, doll, mitten, button, shell, coin, ring, top, bell,
feather, ribbon, toy car, rabbit toy, book, pencil, yo-yo, cap, necklace, bracelet, compass, magnet, sock,
toy horse, notebook, handkerchief, toy duck, lantern, purse, flute, bead, toy train, bow, mouse toy,
medal, stamp, acorn, pebble, spoon, paintbrush, puppet, ticket, locket, backpack, glove, shoe, slipper,
mirror, brooch
""")
SHINY = words("""
key, marble, whistle, coin, ring, bell, bead, necklace, bracelet, medal, locket, button, spoon, brooch,
mirror
""")
SOFT = words("""
scarf, hat, teddy bear, mitten, ribbon, cap, sock, glove, slipper, handkerchief, doll, shoe, rabbit toy
""")

# Things that fly, roll or hang out of reach.
OUT_OF_REACH = words("""
kite, balloon, ball, hat, paper airplane, apple, pear, cookie jar, honey pot, nest box, book, cap,
umbrella, toy parachute, shuttlecock, boomerang, scarf, plum, peach, cherry, apricot, basket, drum,
lantern, wind chime
""")

# Things two children can want at the same time.
WANTED_BY_TWO = words("""
swing, ball, kite, drum, tricycle, teddy bear, wagon, boat, puzzle, shovel, paintbox, train, doll, sled,
hammock, telescope, crown, rocking horse, skateboard, trumpet, scooter, hat, bucket, toy truck, storybook,
magnifying glass, hoop, xylophone, toy castle, big cushion, net, costume, lantern, hobbyhorse, tambourine,
cape, robot, microscope
""")

BREAKABLE = words("""
vase, teapot, cup, plate, jar, lamp, mirror, flowerpot, clock, bowl, glass, music box, picture frame, jug,
sugar bowl, glass bird, mug, birdhouse, candlestick, milk jug, figurine, saltshaker, pitcher, snow globe,
fruit dish, lantern, saucer, porcelain cat, bottle
""")

GIFTS = words("""
card, necklace, scarf, painting, cake, bookmark, birdhouse, bracelet, lantern, kite, crown, photo frame,
bowl, song, bunch of flowers, candle, basket, pincushion, dream catcher, pencil box, pillow, hat, puppet,
mobile, poem, calendar, jar of jam, walking stick, treasure box, star, garland, clay mug, picture book,
wind chime, letter, necklace of shells
""")

BUILT = words("""
tree house, boat, kite, birdhouse, sandcastle, raft, bridge, go-kart, tent, tower, den, snowman, doll
house, dam, soapbox car, windmill, castle, robot, wagon, swing, scarecrow, rocket, puppet theater, bench,
stable, lighthouse, rabbit hutch, ship, clubhouse, seesaw, weather vane, ladder, fort, drum, bird table,
sled, train, water wheel
""")

BOXES = words("""
box, basket, jar, tin, bag, drawer, chest, pouch, case, suitcase, cupboard, sack
""")
