"""Something loved is lost, looked for in the wrong places, and found for a reason."""

from mldata.storybook.lexicon import things
from mldata.storybook.lexicon.places import DEN_SPOTS, INDOOR_SPOTS
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

FORMS = """
love:
- [^h.his] {favorite|most precious|dearest} thing in the world was [x.a].
- [h] had [x.a] that [h.he] took everywhere.
- [h] had got [x.a] from [g.intro] {for [h.his] birthday|last winter|as a present}, and [h.he] loved it
    {very much|dearly}.
- Of all [h.his] things, [h] liked [h.his] [x.full] best.
- [h] never went anywhere without [h.his] [x.full].
- [g.intro] had {once |}given [h] [x.a]. [h] kept it like a treasure.
went_out:
- <day> [h] took [h.his] [x] and went [p.to].
- <day> [h] went [p.to] to play, and of course the [x] came along.
- <day> [h] and [h.his] [x] {were|spent some hours} [p].
- <fine_day> [h] {ran|walked|skipped} [p.to] with [h.his] [x].
lose_out:
- But when it was time to go home, the [x] was {gone|not there any more}!
- [h] played <game> until lunch. Then [h.he] {noticed|saw} that the [x] was {gone|missing}.
- After a while, [h] looked down. Where was the [x]? It was {gone|nowhere to be seen}!
- On the way home, [h] stopped {suddenly|short}. The [x] was gone!
- "Where is my [x]?" {cried|asked} [h] {all at once|suddenly}. It was {gone|nowhere to be seen}.
lose_in:
- <day> [h] wanted to {play with|look at} [h.his] [x], but it was {gone|not in its place}.
- <day> [h] {woke up|came home} and could not find [h.his] [x].
- <day> [h] looked for [h.his] [x], but the place {on the shelf|next to [h.his] bed|where it always lay}
    was empty.
look_first:
- {First |}[^h.he] looked [a]. It was not there.
- [^h.he] looked [a], but {there was nothing but dust|it was not there|found only an old <snack>}.
- "Maybe it is [a]," {thought|said} [h]. But no, it was not.
- {Was it|Could it be} [a]? No.
look_second:
- Then [h.he] searched [b]. {Nothing!|No [x] there either.|There was only a <bird> feather.|It was not
    there either.}
- [^h.he] {crawled around|felt about|searched} [b] and found {a button|an old sock|a round stone|nothing
    at all}, but no [x].
- [^h.he] looked [b], too. {Still nothing.|Still no [x].|There was only a beetle, and it had not seen
    anything.}
remember:
- Then [h] {closed [h.his] eyes and |}{tried to remember|thought back}. "{In the morning|Before lunch} I
    was [c]!" [h.he] <cried>. [^h.he] ran there, and there {was|lay} the [x]!
- "Think, [h], think," [h.he] said to [h.himself]. "Where did I {rest|stop|sit down} last?" Then [h.he]
    knew. [^h.he] {hurried|ran} back, and the [x] was [c], just where [h.he] had left it.
- {Slowly|Step by step}, [h] went back the way [h.he] had come. And {look|see}! [c], something [x.glow]
    was waiting. It was the [x]!
friend_asks:
- [f], a~ [f.kind] {from next door|who lived nearby}, came by. <what_wrong_f> "I have lost my [x]," said
    [h].
- Just then [h] met [h.his] friend [f]. <what_wrong_f> "My [x] is gone," {sighed|said} [h].
- [h] went to [h.his] friend [f] and {told [f.him] everything|asked [f.him] for help}.
friend_finds:
- "{Four|More} eyes see more than two," said [f]. They looked together, and {soon|before long} [f]
    {cried|called}, "Here it is!" The [x] was [c].
- "I saw something {strange|[x.glow]} [c]," said [f]. They ran there together, and it was {really |}the
    [x]!
- "Let us look one more time{, slowly|}," said [f]. So they did, and [c] [f] found the [x].
grown_asks:
- [h] went to [g.intro]. <what_wrong_g> "I can't find my [x]," {sobbed|said} [h].
- [g.intro] heard [h] crying. <what_wrong_g> "I looked everywhere, but my [x] is gone," said [h].
grown_finds:
- <comfort_g> "When did you have it last?" [h] thought hard. "I had it when I was [c]!" They went to look,
    and there it {was|lay}.
- "Did you look [c]?" asked [g]. [h] shook [h.his] head. They went there {together|hand in hand}, and [h]
    {pulled out|picked up} the [x].
- <comfort_g> [g.he] took a lamp and they searched together. The light fell on something [c]. It was the
    [x]!
thief_shiny:
- Then [h] heard a noise above [h.him]. On a branch sat a magpie, and in its nest something was shining.
    Magpies love shiny things!
- Just then a crow flew over [h.s] head. Something shone in its beak. It was the [x]!
thief_shiny_back:
- [h] took a {piece of silver paper|shiny button|bright bottle top} out of [h.his] bag and put it on {a
    stone|the ground}. The bird {looked at it|put its head to one side}. It dropped the [x] and took the
    new treasure.
- [h] did not shout. [^h.he] put down a {piece of foil|shiny pebble} and {waited|stepped back}. The bird
    liked it even better. It let the [x] fall, right into [h.s] [hand.s].
thief_soft:
- Then [h] saw something {soft|warm and soft} [c]. [^h.he] looked closer. A mother {mouse|cat|hedgehog}
    had made a bed for her babies with the [x]!
- Then [h] heard a soft {squeak|rustling} [c]. {Four|Three|Five} baby {mice|rabbits|hedgehogs} lay there
    on the [x]. It was their warm bed now.
thief_soft_back:
- [h] fetched {some hay|soft moss|an old towel} and made a new nest beside it. One by one, the babies
    moved over. Then [h] took back [h.his] [x]{ very gently|}.
- "They need something warm," thought [h]. So [h.he] brought {moss|wool|dry leaves}, and made them a
    better bed. Then [h.he] could take [h.his] [x] {back|home}.
back:
- [h] {pressed|held} the [x] {to [h.his] heart|tightly}.
- "I will never lose you again!" said [h] to [h.his] [x].
- "There you are!" {cried|whispered} [h].
- [h] {wiped|blew} the dust off the [x] and {laughed|smiled}.
close:
- From then on, the [x] {had a place of its own|slept in a~ <box>} {at home|beside [h.s] bed}.
- After that, [h] {always looked twice|always checked} before [h.he] went home.
- And from that day on, [h] {took better care of|put away} [h.his] things.
- That night, the [x] {lay|slept} {next to|beside} [h] on the pillow.
- [h] {learned|knew now} that {it is good to stay calm and think|looking well is better than crying}.
- <evening>
"""


def tell(t: Tale) -> None:
    x = dict(t.world.thing(t.subject))
    shiny, soft = t.subject in things.SHINY, t.subject in things.SOFT
    x["glow"] = "shiny" if shiny else "soft" if soft else "familiar"
    t.bind(x=x, p=t.world.place())
    t.say("open", "love")
    t.paragraph()
    lost_outside = t.happens(0.65)
    if lost_outside:
        t.say("went_out", "lose_out")
        place = t.entities["p"]
        spots = [place["spot"], place["spot2"], place["spot3"]]
    else:
        t.say("lose_in")
        spots = t.order(INDOOR_SPOTS if t.world.is_child else DEN_SPOTS, 3)
    t.put(a=spots[0], b=spots[1], c=spots[2])
    t.say("sad", "look_first", "look_second")
    t.paragraph()
    find(t, shiny and lost_outside, soft and lost_outside)
    t.say("back", "happy")
    t.maybe("close", 0.8)


def find(t: Tale, shiny: bool, soft: bool) -> None:
    """What was lost decides who may have taken it."""
    if (shiny or soft) and t.happens(0.6):
        kind = "shiny" if shiny else "soft"
        t.say(f"thief_{kind}", f"thief_{kind}_back")
    elif t.happens(0.3):
        t.say("remember")
    elif t.happens(0.5):
        t.say("friend_asks", "friend_finds", "thanks_f")
    else:
        t.say("grown_asks", "grown_finds", "thanks_g")


PLOT = Plot("lost_thing", things.LOSABLE, tell, FORMS)
