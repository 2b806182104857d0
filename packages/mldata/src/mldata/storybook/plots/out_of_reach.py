"""Something is up too high or out too far; strength fails, a way or a helper is found."""

from mldata.storybook.lexicon import things
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

GROWING = ("apple", "pear", "plum", "peach", "cherry", "apricot")
ON_SHELF = ("cookie jar", "honey pot", "book", "basket", "lantern", "drum")
FLYING = ("kite", "balloon", "hat", "paper airplane", "cap", "umbrella", "toy parachute", "scarf")

FORMS = """
see_growing:
- <day> [h] saw {a ripe|the most beautiful|a big, round} [x] high up in a tree [p].
- [p], there {stood|was} a~ {tall|old|crooked} tree, and at the very top hung {one|a single} [x].
want_growing:
- "I would love to eat that [x]," {said|thought} [h].
- [^h.his] mouth watered. "How sweet it must taste!" [h.he] thought.
see_shelf:
- <day> [h] saw [x.a] on the highest shelf {in the kitchen|in the pantry|above the stove}.
- On the top shelf {at home|of the old cupboard} stood [x.a]. [h] {had looked at it|had wanted it} for
    days.
want_shelf:
- "I want to {see|have} that [x]," said [h], "but it is so high up!" [g.intro] had said, "{You may have it
    if you can reach it safely|You may take it, but be careful}."
- "May I have the [x]?" [h.he] asked [g.intro]. "Yes," said [g], "if you {find a safe way to reach it|do
    not break anything}."
see_flying:
- <day> [h] was playing with [h.his] [x.full] [p]. Suddenly {the wind|a gust of wind} {took|caught} the
    [x] and {carried|blew} it into a~ [tree] tree.
- <day> [h] went [p.to] with [h.his] [x.full]. {Whoosh|Oh no}! The wind {lifted it up|pulled it away}, and
    it {got stuck|caught} in the top of a~ [tree] tree.
see_water:
- <day> [h] was playing with [h.his] [x.full] {near the river|beside the pond|by the lake}. It
    {slipped|fell} out of [h.his] [hand.s] and {rolled|dropped} into the water. Soon it was floating far
    from the bank.
want_back:
- "My [x]!" <cried> [h].
- "Come back, [x]!" <cried> [h]. But the [x] did not {move|listen}.
- "Oh no! How can I get it back?" <cried> [h].
try_high:
- [h] {stretched|stood on the tips of [h.his] toes}, but [h.he] was too {small|short}.
- [^h.he] jumped as high as [h.he] could. It was not {high enough|enough}.
- [^h.he] jumped once, twice, three times. Each time [h.his] [hand] {closed on empty air|missed it}.
- [h] {stacked|piled up} some {stones|boxes|logs} and {climbed on them|stood on top}, but they
    {wobbled|shook} so much that [h.he] {had to get down|jumped off} again.
- [h] {took|found} a stick and {poked at it|waved it about}, but the stick was too short.
- [^h.he] {called|asked} a~ <bird> to help, but it just {flew away|looked at [h.him] and flew off}.
try_far:
- [h] {reached out with|threw out} a stick, but it was too short.
- [h] {leaned out as far as|stretched [h.his] arm as far as} [h.he] could and almost fell in.
- [h] threw {small stones|pebbles} behind the [x] to {push it with the waves|make waves}, but it only
    floated {in a circle|farther out}.
friend_comes:
- [f], {[h.his] friend|[h.s] best friend}, came along. <what_wrong_f> [h] pointed to the [x].
- "Do you need help?" asked a voice. It was [h.his] friend [f].
- Just then, [h.his] friend [f] came {around the corner|up the path}. [h] {told [f.him]
    everything|explained what had happened}.
friend_high:
- "You are too short, and I am too short," said [f]. "But together we are tall!" [h] climbed onto [f.s]
    shoulders, stretched out [h.his] [hand], and {had|got} it!
- "We need {a ladder|something to stand on}," said [f]. Together they carried {an old ladder|a heavy
    bench|a strong crate} to the place. [f] held it tight, and [h] climbed up and got the [x].
- [f] thought for a moment. Then [f.he] tied {a fork|a hook|a bent spoon} to a long {pole|broomstick}. [h]
    lifted it, {pulled|hooked} carefully, and the [x] dropped into [f.s] arms.
friend_far:
- [f] took a long {branch|rope} and held [h] by the {coat|belt|other [hand]}. Now [h] could {reach|bend}
    far enough. [^h.he] pulled the [x] to the bank.
- "I have a {fishing net|rake|net} at home," said [f]. [f.he] ran to fetch it, and together they fished
    the [x] out of the water.
- "Let us wait at the bridge," said [f]. "The water will bring it to us." They {ran|hurried} there, and
    {really|sure enough}, the [x] came floating by, and [h] {picked it up|caught it}.
clever:
- <idea> Near by lay {an old ladder|a strong crate|a long plank}. [^h.he] {tested|tried} it first with one
    foot. It held! [^h.he] climbed up step by step and took the [x] in [h.his] [hand.s].
- <idea> [^h.he] tied {two|three} sticks together with {a string|[h.his] shoelace|a long stem of grass}.
    Now {the stick|it} was long enough. [^h.he] pushed, and the [x] came {tumbling|falling} down.
- <idea> [^h.he] took a {long |}rope, threw it over the {branch|beam|hook} and shook. The [x]
    {wobbled|moved}, and then it fell into [h.his] arms.
clever_far:
- <idea> [^h.he] tied two sticks together with {a string|[h.his] shoelace}. Now it was long enough. Slowly
    [h.he] pulled the [x] to the bank.
- <idea> [^h.he] looked at the water. It was flowing to {the little bridge|the flat stones}. [h] ran
    ahead, lay down on [h.his] tummy, and {waited|held out [h.his] [hand]}. When the [x] came by, [h.he]
    {caught|grabbed} it.
share_growing:
- They {cut|broke} the [x] in two, and each had half. It tasted {as sweet as honey|wonderful}.
- [h] gave [f] half of the [x]. "We {got it|did it} together, so we eat it together," [h.he] said.
eat_growing:
- [h] {took a big bite|bit into the [x]}. It was the {best|sweetest} [x] of [h.his] life.
- [h] ate it {slowly|under the tree}, and it tasted {wonderful|of sunshine}.
moral_together:
- {Two|Two friends} together can do what one cannot do alone.
- "Alone I was too small," said [h], "but with you I am {big enough|as tall as a giraffe}."
- <friends_end>
moral_clever:
- A good idea is {sometimes |often |}better than long {arms|legs}.
- "You don't have to be big," {said|thought} [h]. "You have to think."
- <evening>
"""


def tell(t: Tale) -> None:
    subject = t.subject
    t.bind(x=t.world.thing(subject), p=t.world.place_outdoors())
    t.put(tree="<tree>")
    t.say("open")
    t.paragraph()
    high = meet(t)
    t.say("try_high" if high else "try_far")
    t.maybe("sad", 0.6)
    t.paragraph()
    with_friend = t.happens(0.6)
    if with_friend:
        t.say("friend_comes", "friend_high" if high else "friend_far", "happy")
    else:
        t.say("clever" if high else "clever_far", "proud")
    if subject in GROWING:
        t.say("share_growing" if with_friend else "eat_growing")
    elif with_friend:
        t.maybe("thanks_f", 0.7)
    t.say("moral_together" if with_friend else "moral_clever")


def meet(t: Tale) -> bool:
    """How the thing came to be out of reach; true if it is up high, false if it is out on the water."""
    if t.subject in GROWING:
        t.say("see_growing", "want_growing")
        return True
    if t.subject in ON_SHELF:
        t.say("see_shelf", "want_shelf")
        return True
    high = t.subject in FLYING and t.happens(0.7)
    t.say("see_flying" if high else "see_water", "want_back")
    return high


PLOT = Plot("out_of_reach", things.OUT_OF_REACH, tell, FORMS)
