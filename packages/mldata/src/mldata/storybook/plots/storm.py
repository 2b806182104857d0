"""A storm comes while something is going on; shelter, waiting, and what is found afterwards."""

from mldata.storybook.lexicon import nature
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

DOINGS = (
    "picnic",
    "fishing",
    "berry picking",
    "walk",
    "kite flying",
    "boat trip",
    "mushroom hunt",
    "camping",
    "ball game",
    "washing day",
    "haymaking",
    "market day",
    "beach day",
    "hike",
    "treasure hunt",
    "apple harvest",
)

ON_WATER = ("fishing", "boat trip", "beach day")

FORMS = """
start:
- <fine_day> [h] and [c.intro] {had planned|were looking forward to} a~ [x] [p].
- <day> [h] and [c.intro] {went|set out} [p.to]. It was the day of the [x].
- <day> it was time for the [x]. [h] and [c.intro] {went|walked} [p.to] {together|with a full basket}.
warning:
- "The {swallows|<bird>s} are flying low," {said|remarked} [c]. "{It may rain|The weather may change}."
    [h] {hardly listened|only laughed}.
- {At first|In the beginning} everything was {wonderful|fine}. {Nobody saw|They did not see} the dark
    cloud behind the {hill|trees}.
- They {sang|laughed} and {had a good time|were merry}. But it was {strangely|very} quiet, and the air was
    {heavy|close}.
storm:
- Suddenly the sky {turned|grew} dark. Thunder rolled, and the first {big |fat |}drops fell.
- {Then|All at once} {a strong wind came up|the wind began to howl}. {Lightning flashed|There was a
    flash}, and the rain {came down|poured} {in buckets|like a waterfall}.
- A cloud as black as {ink|coal} covered the sun. {Boom!|Crack!} {The storm was there.|The storm had
    come.}
scared_c:
- "{I don't like this|I am afraid}," said [h] {in a small voice|softly}. <scared>
- <scared> {[c] took [h.his] [hand].|"Stay {close to|near} me," said [c].}
- [h] {held on to|pressed close to} [c].
not_tree:
- "{Let us stand|Quick,} under that tree!" <cried> [h]. "No," said [c], "never under a tree when there is
    lightning. {Come|This way}!"
- "{Run|Come}!" <cried> [c]. "But not under the trees. {That is dangerous in a storm|Lightning likes tall
    trees}."
shelter:
- They ran to {an old barn|a hut|a little cave|a stone shed|an empty stable} and {were just in time|closed
    the door behind them|shook the water from their {heads|ears}}.
- {A bit farther on|Not far away} there was {a cabin|an old mill|a hunter's hut|a boathouse|a small
    chapel}. {Out of breath|Wet to the skin}, they {reached|ran into} it.
wait:
- {Inside|There} it was dry. They {counted|began to count} the seconds between lightning and thunder.
    "{One, two, three|Four, five, six|Seven, eight, nine}... {You see, it is going away|It is moving
    away}," said [c].
- {To pass the time|While they waited}, [c] {told|began to tell} a story about {a giant who snored|a cloud
    that was afraid of sheep|a king who danced in the rain}. {Soon [h] forgot the storm.|[h] had to
    laugh.}
- They shared a~ <snack> and {sang|hummed} {against the thunder|as loudly as they could}. {The louder they
    sang, the smaller the storm seemed.|It made them brave.}
- "Thunder is only {a noise|the clouds' drum}," said [c]. "{Let us drum, too|Listen to how it goes farther
    away}." And they drummed on {a box|an old pot|the floor}.
other:
- In the corner sat {a wet|a frightened|a little} <pet>. It {trembled|was shaking}. [h] {put [h.his] coat
    around it|stroked it until it was calm}, and {so [h.he] forgot [h.his] own fear|then both of them were
    less afraid}.
- Then somebody knocked. It was {a wet traveler|an old woman with a basket|a shepherd with a lamb}. "Come
    in, {there is room|it is dry here}!" <cried> [h].
over:
- {At last|After an hour|Then} the rain stopped. {The sun came out|A ray of sun broke through the clouds},
    and {over the hills|in the sky} {stood|was} a {great |bright |}rainbow.
- {After a while|Little by little} it grew {lighter|quiet}. {Drops sparkled on every leaf|The whole world
    sparkled}, and a~ <bird> began to sing.
after:
- {"Look how clean everything is!" said [h].|"How good it smells!" said [h].} {They jumped over|They
    splashed through} {all the|every one of the} puddles on the way home.
- The [x] was over, but {nobody was sad|they did not mind}. "{We will do it again|We will try again} on
    [later_day]," said [c].
- Then they {went on with|began} the [x] {all over again|once more}, {in wet shoes|with wet hair|with wet
    feet}, and it was {even more fun|better} than before.
- On the way home they {found a branch|saw that a branch had fallen} across the path, and {together |}they
    {cleared it away|moved it} for the others.
home:
- At home there was <warm_drink> and a warm blanket.
- That evening they {sat by the stove|dried their things by the fire} and {ate|had} <meal>.
moral:
- {After that|From then on}, [h] was {less afraid|no longer afraid} of {storms|thunder}.
- {Every storm passes|No storm lasts forever}, {and then comes the sun|and together it is easier to wait}.
- And when thunder rolled {again|the next time}, [h] {counted|began to count} the seconds and {smiled|was
    calm}.
- <evening>
"""


def tell(t: Tale) -> None:
    t.put(x=t.subject)
    t.bind(
        p=t.world.seashore() if t.subject in ON_WATER else t.world.place_outdoors(),
        c=t.entities["g"],
        d=t.world.day(nature.FAIR[1:4] + nature.FAIR[7:]),
    )
    t.say("open")
    t.paragraph()
    t.say("start")
    t.maybe("warning", 0.7)
    t.say("storm")
    t.maybe("scared_c", 0.8)
    t.paragraph()
    t.maybe("not_tree", 0.5)
    t.say("shelter", "wait")
    t.maybe("other", 0.4)
    t.paragraph()
    t.say("over", "after")
    t.maybe("home", 0.4)
    t.say("moral")


PLOT = Plot("storm", DOINGS, tell, FORMS)
