"""A promise is given; something tempts; it is kept and rewarded, or broken, owned up to and made good."""

from mldata.storybook.lexicon import words
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

# Each duty has sections `ask_`, `broken_` and `repair_` of its own below.
DUTIES = ("hens", "flowers", "cake", "gate", "soup", "baby", "box", "fire", "fish", "boat", "bread", "goat")
TEMPTATIONS = words("""
a parade with drums and trumpets, a big soap bubble, a rainbow, a puppet show, a hot-air balloon, a man
with a barrel organ, a dancing bear made of wood, a kite shaped like a dragon, an ice cream cart, a
juggler, a troop of acrobats, a beautiful butterfly, a ball game, a magician with a tall hat
""")

FORMS = """
ask_hens:
- "Please feed the hens {at noon|before dark}," said [g.intro] {one morning|one day}. "They have only you
    today."
ask_flowers:
- "Please water the flowers {today|before the sun gets hot}," said [g.intro]. "Without water they will
    {droop|dry up}."
ask_cake:
- "There is a~ <cake> in the oven," said [g.intro]. "Please stay here and {take it out|call me} when the
    clock strikes {three|four}."
ask_gate:
- "Please keep the garden gate closed," said [g.intro]. "Otherwise the {goats|sheep} will eat the
    cabbages."
ask_soup:
- "Please stir the soup while I am {at the neighbor's|out}," said [g.intro], "or it will burn."
ask_baby:
- "Please sit by the cradle and {rock|sing to} the baby," said [g.intro], "so that it does not wake up and
    cry."
ask_box:
- "Keep this box for me," said [g.intro], "but don't open it. {There is a surprise inside|It is full of
    something that flies}."
ask_fire:
- "Please put a log on the fire every hour," said [g.intro], "so that the house is warm when {we all come
    home|I come back}."
ask_fish:
- "Please watch the basket of fish," said [g.intro]. "The cat is {hungry|waiting for it}."
ask_boat:
- "Please tie up the little boat {tightly|with a good knot}," said [g.intro], "or the river will take it
    away."
ask_bread:
- "Please take this bread to {the old lady on the hill|our sick neighbor} before {it gets cold|noon},"
    said [g.intro].
ask_goat:
- "Please keep an eye on the goat," said [g.intro]. "It {loves|likes} to eat {shirts from the line|the
    neighbor's roses}."
promise:
- "I promise!" said [h].
- "You can {count|rely} on me," said [h]. "I promise."
- [h] {put a [hand] on [h.his] heart|nodded}. "I promise," [h.he] said.
tempt:
- [g] {had hardly left|was not long gone} when [h] saw [temptation]. "Come {on|with us}, [h]!" <cried>
    [f], [h.his] friend.
- {A little later|After a while}, [f.intro] came running. "[h], [h]! There is [temptation] {down the
    road|by the old mill}! Come {quickly|and see}!"
- Then [h] heard laughter outside. [f.intro] and the others were running to see [temptation].
want:
- How [h] wanted to go! [^h.his] feet were already {tapping|dancing}.
- [h] {looked|glanced} at the door. It would {only take a moment|not take long}, wouldn't it?
- "Just for {a minute|a moment}," said a little voice in [h.s] head.
keep:
- But then [h] {remembered|thought of} the promise. "{I can't come|Not now}," [h.he] said. "I have
    promised [g], and a promise is a promise."
- [h] shook [h.his] head. "I {have to stay here|gave my word}," [h.he] said. "Tell me {all about
    it|everything} later!"
- It was hard, but [h] stayed{, because [h.he] had promised|}. [^h.he] {sang|hummed} to make the time go
    faster.
kept_end:
- When [g] came back, everything was {as it should be|in order}. "You kept your {word|promise}," said [g].
    "I am {very |so }proud of you."
- In the evening [g] {saw|noticed} that all was well. "{I can trust you|You are someone one can trust},"
    said [g] and {smiled|hugged [h]}.
reward:
- "And now we {will go|go} and see [temptation] together{, you and I|}!" said [g]. {It|And it} was
    {twice|even more} fun that way.
- {The best of it was|And do you know what}: [temptation] was still there, and [f] had kept a place for
    [h].
- Then [g] {took|brought} out {a warm <snack>|a big <snack>}, {and they shared it|just for [h]}. It tasted
    of {pride|joy}.
leave:
- And off [h] {ran|went}. {It was wonderful, and|Seeing it was such fun that} [h] forgot the time.
- [h] {forgot the promise|did not think of the promise any more} and {ran|hurried} after [f]. They
    {laughed and had fun|had a good time} until {the church clock struck five|the sun was low}.
remember:
- Suddenly [h] {stood still|stopped}. The promise! [^h.he] ran home as fast as [h.he] could.
- Then it came back to [h.him]. "Oh no, {I promised [g]|my promise}!" [h.he] <cried> and ran back.
broken_hens:
- The hens were so hungry that they had {flown over the fence|eaten all the young lettuce}.
broken_flowers:
- The flowers {hung|were hanging} their heads, and their leaves were dry.
broken_cake:
- Black smoke came out of the oven. The cake was as hard as {a stone|coal}.
broken_gate:
- The gate stood open, and the {animals|goats} had eaten {half|most} of the garden.
broken_soup:
- The soup was black, and the {whole |}kitchen was full of smoke.
broken_baby:
- The baby was {awake|red in the face} and crying {so hard that one could hear it in the street|loudly}.
broken_box:
- {While [h] was away, the wind had opened the box|The box had fallen over}, and {dozens of|twenty}
    butterflies had flown away.
broken_fire:
- The fire was out, and the house was as cold as {a cellar|ice}.
broken_fish:
- The basket was empty, and a fat cat was {licking its paws|asleep beside it}.
broken_boat:
- The little boat was gone. The river had carried it away.
broken_bread:
- The bread was cold and {hard|wet}, and it was {much |}too late to {bring it|take it} to anyone.
broken_goat:
- The goat had eaten {two shirts and a sock|nearly all the roses}, and it looked {very |}pleased with
    itself.
confess:
- When [g] came, [h] did not {make excuses|lie}. "I {broke my promise|did not keep my promise}," [h.he]
    said. "I am {so|very} sorry."
- "It is my fault," said [h] when [g] came back. "I promised, and I {ran away|forgot}. I am sorry."
answer:
- [g] was quiet for a {moment|while}. "It is good that you {tell me the truth|say so}," [g.he] said. "{Now
    let us see what we can do.|How can you make it good again?}"
- "I am {sad|disappointed}," said [g], "but I am glad that you are honest. {What will you do now|How shall
    we mend it}?"
repair_hens:
- [h] {caught|brought back} every hen, one by one, and {gave them all the corn they wanted|fed them until
    they were round}.
repair_flowers:
- [h] carried {ten|twelve|twenty} cans of water. By evening, the flowers lifted their heads again.
repair_cake:
- [h] washed the pan, and then they baked a new cake together. This time [h] did not leave the oven for a
    second.
repair_gate:
- [h] drove the {animals|goats} out, closed the gate, and planted new {<vegetables>|<vegetables> and
    <vegetables>}.
repair_soup:
- [h] scrubbed the pot until it shone and cooked <meal> for everyone{, and it was good|}.
repair_baby:
- [h] {sang|rocked the cradle and sang} {seven|all the} songs [h.he] knew. At the last one, the baby
    smiled and fell asleep.
repair_box:
- [h] {planted|sowed} flowers all around the house, and {a week|some weeks} later the butterflies came
    back, more than before.
repair_fire:
- [h] fetched wood, and together they lit the fire again. {Soon|Before long} the house was warm.
repair_fish:
- [h] {took [h.his] rod and sat|stood} by the river until it was dark, and brought home {three|four|five}
    fish.
repair_boat:
- [h] ran along the river until [h.he] found the boat {caught|stuck} between the reeds, pulled it back,
    and tied it with {two|three} knots.
repair_bread:
- [h] {kneaded|made} new dough and baked a new bread, and this time [h.he] took it there {at once|still
    warm}.
repair_goat:
- [h] {sewed|helped} for {three|two} afternoons to make it good, and built a {strong|high} fence for the
    goat.
moral:
- From then on, when [h] {promised something|made a promise}, {[h.he] kept it|everybody knew that it was
    as good as done}.
- A promise is {a small word, but it weighs a lot|like a seed: you have to look after it}.
- "{Next time|From now on} I will think of my promise first," said [h]. And [h.he] did.
- [h] {learned|knew now} that keeping {a promise|one's word} {makes people trust you|feels good}.
"""


def tell(t: Tale) -> None:
    duty = t.subject
    t.put(temptation=t.chance.pick(TEMPTATIONS))
    t.say("open")
    t.paragraph()
    t.say(f"ask_{duty}", "promise", "tempt", "want")
    t.paragraph()
    if t.happens(0.45):
        t.say("keep", "kept_end", "proud")
        t.maybe("reward", 0.7)
    else:
        t.say("leave", "remember", f"broken_{duty}", "guilty")
        t.paragraph()
        t.say("confess", "answer", f"repair_{duty}")
        t.maybe("hug", 0.5)
    t.maybe("moral", 0.8)


PLOT = Plot("promise", DUTIES, tell, FORMS)
