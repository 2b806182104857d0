"""Somebody follows something beautiful, loses the way, keeps calm and comes home."""

from mldata.storybook.lexicon import words
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

LURES = words("""
butterfly, squirrel, dragonfly, rainbow, swallow, rabbit, ladybug, drifting balloon, deer, white cat,
woodpecker, blue parrot, runaway hat, runaway goose, white peacock, grasshopper, floating feather,
kingfisher, fox, red fox, little stream, young hare, bumblebee, tame crow, blue bird, lizard, rolling
ball, paper boat, green frog, soap bubble
""")

FORMS = """
warned:
- "{Stay close to me|Don't go far}," {[g.intro] had said|said [g.intro]}, when they {went|walked} [p.to]
    one [d.adj] [d].
- <day> [h] {went|was walking} [p.to] with [g.intro]. "{Stay where I can see you|Don't run too far
    ahead}," said [g].
follow:
- Then [h] {saw|noticed} a~ [x]. {How beautiful it was!|It was like something out of a dream.} [h]
    followed it{, farther and farther|, just a few steps, and then a few more}.
- But there was a~ [x]! [h] {forgot everything|did not look back} and {went|ran} after it{, over a bridge
    and around a corner|, left and right and left again|}.
- Suddenly there was a~ [x]. "{Wait for me|Where are you going}?" <cried> [h] and {ran|hurried} after it.
gone:
- {Then|All at once} the [x] was gone. [h] looked around. {Nothing|Not one thing} looked {familiar|as
    before}.
- When [h] {stopped|looked up}, [h.he] did not know where [h.he] was. The [x] was {gone|nowhere to be
    seen}, {and so was [g]|and [g] was far away}.
calls:
- "[g]! [g]!" <cried> [h]. {Nobody answered|There was no answer}.
- [h] {ran to the left, ran to the right|turned around three times}. {Everything looked the same|It was
    getting late}.
calm:
- [h] {sat down|took a deep breath}. "{Crying does not help|Running around makes it worse}," [h.he] said
    to [h.himself]. "What did [g] {tell|teach} me?"
- "{Think|Stay calm}, [h]," [h.he] said {out loud|to [h.himself]}. And [h.he] {thought hard|remembered
    what [g] had told [h.him]}.
plan_stay:
- "If you are lost, stay where you are," [g] {always|often} said. {So|And so} [h] {sat down under a~
    <tree> tree|hugged a big tree} and {sang|whistled} as loudly as [h.he] could.
found_stay:
- {After a while|Before long} [h.he] heard {steps|a voice}. "[h]! {There you are|I heard you}!" It was
    [g]{, out of breath|}.
plan_stream:
- "A stream always knows the way down to the {valley|village}," [g] {always|often} said. [h] listened.
    {There was|[^h.he] heard} water! [^h.he] followed {it|the stream}, {stone by stone|step by step}.
found_stream:
- And {really|sure enough}: the stream {led|ran} to the {bridge|mill} near home, and there stood [g],
    looking {for [h.him] everywhere|in all directions}.
plan_marks:
- [h] {looked at the ground|bent down}. {There were|[^h.he] saw} [h.his] own footprints in the {soft
    earth|mud}! {One after the other|Backward}, [h.he] followed them.
found_marks:
- The footprints {ended|brought [h.him]} where {everything had begun|[h.he] had first seen the [x]}. And
    there was [g], {calling [h.s] name|with a worried face}.
plan_ask:
- "If you are lost, ask someone who {works there|looks kind}," [g] {always|often} said. [h] saw {a woman
    with a broom|a man selling flowers|a mother with two children} and went there. "{Excuse me|Please}, I
    have lost [g]."
found_ask:
- "{Don't worry, we will find [g.him]|Let us look together}," said the kind {person|stranger}. They had
    {only gone|gone} a few steps when [h] heard a {well-known|familiar} voice. It was [g]!
plan_animal:
- Then a {voice above [h.him]|small voice} {asked|said}, "Are you lost?" It was a {mole|<bird>|snail} that
    knew {every path|the whole wood}. "{Follow me|Come}, I will show you."
found_animal:
- They {went|walked} {along a hidden path|under ferns and over roots}, and {soon|suddenly} [h] saw {the
    chimney of home|a light}. There stood [g] in the {door|doorway}.
reunion:
- [h] {ran|flew} into [g.s] arms. "I am sorry that I {ran off|did not listen}," [h.he] {said|sobbed}.
- <hug> "I was so {worried|afraid}," said [g]. "{But you did the right thing|How clever of you to stay
    calm}."
- "{I only wanted to see where it went|I forgot to look back}," said [h]. "{I know|Next time we will
    follow it together}," said [g] {and took [h.his] [hand]|softly}.
moral:
- {From then on|After that}, [h] {always told someone|looked back now and then} {before [h.he]
    followed|when [h.he] went after} a~ [x].
- {A calm head is the best map|Those who stay calm find the way}.
- {The next day|On [later_day]}, they {looked for|went to find} the [x] {together|again}, and this time
    {[h]
    did not let go of [g.s] [hand]|they did not get lost}.
- <evening>
"""


def tell(t: Tale) -> None:
    plan = (
        t.pick("stay", "stream", "marks", "ask")
        if t.world.is_child
        else t.pick("stay", "stream", "marks", "animal")
    )
    t.put(x=t.subject)
    t.bind(p=t.world.place_outdoors() if plan != "ask" else t.world.place_in_town())
    t.say("open")
    t.paragraph()
    t.say("warned", "follow", "gone")
    t.maybe("calls", 0.6)
    t.say("scared")
    t.paragraph()
    t.say("calm", f"plan_{plan}", f"found_{plan}")
    t.paragraph()
    t.say("reunion")
    t.maybe("happy", 0.5)
    t.say("moral")


PLOT = Plot("lost_way", LURES, tell, FORMS)
