"""A seed is planted; it takes patience, it is in danger, it is saved, and the harvest is shared."""

from mldata.storybook.lexicon import words
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

PLANTS = words("""
sunflower, pumpkin, tomato plant, bean, strawberry plant, apple tree, cherry tree, rose bush, tulip,
carrot, melon, cucumber, pea plant, lemon tree, blueberry bush, radish, potato plant, squash, raspberry
bush, lettuce, turnip, fig tree, pear tree, lily, poppy, cabbage, corn plant, peach tree, daisy, onion
""")
FLOWERING = ("sunflower", "rose bush", "tulip", "lily", "poppy", "daisy")

FORMS = """
seed:
- <day> [g.intro] gave [h] a {small|tiny|brown} seed. "{Plant it|Put it into the earth} and {be
    patient|wait}," said [g]. "It will be a~ [x]."
- <day> [h] found a {small|strange} seed in [h.his] {pocket|shoe}. "{That|I think it} will be a~ [x] one
    day," said [g.intro].
- <day> [h] {wanted to have|wished for} a~ [x] of [h.his] own. So [g.intro] gave [h.him] a {seed|single
    seed}.
plant:
- [h] dug a hole, put in the seed, {covered it with earth|patted the earth} and watered it.
- [h] {looked for|chose} a sunny place {behind the house|near the fence|by the wall}, dug a {little
    |}hole, and {laid|put} the seed in.
impatient:
- The next {day|morning} [h] {ran to look|went out to look}. Nothing! {On the second day nothing, on the
    third day nothing.|Only brown earth.}
- {Every morning|Each day} [h] {knelt down|bent down} and looked. There was nothing {but earth|to see}.
dig:
- "{It is asleep|It is lazy}," said [h] and wanted to dig it up. "{No, no|Wait}," {laughed|said} [g]. "{A
    seed works in the dark|It is already busy down there}. {Give it time|You must be patient}."
- "{Maybe it is dead|It does not like me}," said [h] {sadly|with a sigh}. "{Things that grow need
    time|Just wait}," said [g].
- [h] {sang|told stories} to the seed. {That made the waiting easier.|"Grow, little one," [h.he]
    whispered.}
sprout:
- Then, {after a warm rain|one [d]}, {a tiny|a} green {tip|leaf} {looked|peeped} out of the earth!
- And {one [d]|on the tenth day}, there it was: {a little green point|two tiny leaves}, {no longer than a
    fingernail|as thin as a thread}.
danger_dry:
- But {then|in [season]} it did not rain for weeks. The leaves {drooped|hung down}.
save_dry:
- [h] carried water from the {stream|well} every {evening|morning and evening}, {can after can|until
    [h.his] arms hurt}. {After some days|Soon} the leaves {stood up|were green} again.
danger_snails:
- But one morning there were holes in the leaves. The snails had been there!
save_snails:
- [h] {collected|picked up} the snails one by one and carried them {to the other side of the stream|to a
    meadow with juicy grass}. {"There is enough for you here," [h.he] told them.|Around the plant [h.he]
    put a ring of sand.}
danger_storm:
- But one night there was a {big |terrible |}storm. {In the morning|The next day}, the plant lay
    {flat|bent} on the ground.
save_storm:
- [h] {put|pushed} a stick into the earth and tied the plant to it with a {soft ribbon|piece of wool}.
    {Day by day|Slowly} it {stood up|grew straight} again.
danger_goat:
- But one day a {goat|rabbit|hen} got into the garden and {nibbled at|pulled at} the plant!
save_goat:
- [h] {chased it away gently|led it away} and {built|made} a little fence of {sticks|branches} around the
    plant. {New leaves grew|It grew again}, {even more than before|stronger than before}.
grown_flower:
- {In [season]|At the end of [season]|At last} the plant stood {green and strong|tall and strong}, {and
    one morning it opened its first flower|and it bloomed}. {Bees came from everywhere|It shone in the
    sun}.
grown_food:
- {Weeks went by.|The plant grew and grew.} {And then|At last} the day came when [h] could harvest. {It
    was more than [h] could carry|[h] had never seen anything so beautiful}.
- {In autumn|At the end of the season} it {was time|was ready}. [h] {picked|harvested} {very
    carefully|with shining eyes}. How {good|fresh} it smelled!
use_flower:
- Everyone who came {by|along the road} {stopped|stood still} and smiled.
- [h] kept the seeds and gave one to {every friend|all [h.his] friends}. "{Be patient|It works in the
    dark}," [h.he] told them.
use_food:
- [h] {shared|divided} it with {all the neighbors|everyone} and {even the snail|even the birds} got {a
    bit|something}.
- That evening {there was a feast|they ate together}, with <meal>{ and <warm_drink>|}, and {everyone
    praised [h]|the harvest was in the middle of the table}.
- [h] {brought|gave} the best part to [g]. "{For your patience with me|Because you gave me the seed},"
    [h.he] said.
moral:
- {Good things need time|Patience is the best water}.
- "I {only waited and watered|did not do much}," said [h]. "{That is|But that was} {exactly what it
    needed|the hardest part}," said [g].
- {The next spring|The next year}, [h] planted {ten|a whole row of} seeds, and {this time [h.he] knew how
    to wait|waited without digging}.
- <evening>
"""
DANGERS = ("dry", "snails", "storm", "goat")


def tell(t: Tale) -> None:
    danger = t.pick(*DANGERS)
    kind = "flower" if t.subject in FLOWERING else "food"
    t.put(x=t.subject)
    t.bind(season={"": "summer"})
    t.say("open", "seed", "plant")
    t.paragraph()
    t.say("impatient", "dig", "sprout", "happy")
    t.paragraph()
    if t.happens(0.8):
        t.say(f"danger_{danger}")
        t.maybe("sad", 0.4)
        t.say(f"save_{danger}")
    t.say(f"grown_{kind}", "proud")
    t.maybe(f"use_{kind}", 0.8)
    t.say("moral")


PLOT = Plot("garden", PLANTS, tell, FORMS)
