"""Somebody is afraid, has a reason to go on all the same, and finds a way."""

from mldata.storybook.lexicon.creatures import LOST_YOUNG
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

PLACES_OF_FEAR = (
    "the cellar",
    "the attic",
    "the old bridge",
    "the tunnel",
    "the deep wood",
    "the barn",
    "the well house",
    "the cave",
    "the old tower",
    "the empty house",
    "the narrow stairs",
)
DEEDS = (
    "the water",
    "the stage",
    "the big slide",
    "the rope bridge",
    "the tall swing",
    "the climbing wall",
    "the deep end of the pool",
    "the ferry",
    "the Ferris wheel",
    "the elevator",
    "the cable car",
    "the diving board",
    "the merry-go-round",
)
ANIMAL_DEEDS = ("the water", "the big slide", "the rope bridge", "the tall swing", "the ferry")

FORMS = """
afraid:
- There was only one thing that [h] was afraid of: [fear].
- [h] was not afraid of {spiders|mice|bees} or of {ghosts|wild storms|big dogs}, but [h.he] was afraid of
    [fear].
- But [h] had a secret. [^h.he] was {very |}{afraid|scared} of [fear].
- [h] could do many things, but when [h.he] {thought of|saw} [fear], [h.he] {began to shake|felt cold}.
why:
- {Once|Long ago|When [h.he] was very small}, [h.he] had {fallen down|got lost|hurt [h.himself]} there,
    and [h.he] had never forgotten it.
- "What if {something happens to me|I fall|it goes wrong}?" [h.he] {always |often |}{said|thought}.
- {The others laughed at [h.him], and that made it worse.|Nobody knew about it, not even [f.intro].|"I am
    just too small for that," [h.he] always said.}
call:
- <day> [h] heard a {small|thin|sad} sound. [^a.a] [a.cried] somewhere near [fear]. It was all alone.
- <day> there was a {soft|faint} cry. It came from [fear]. "That is [a.a]!" said [h]. "It {must be
    lost|needs help}!"
nobody:
- [h] looked around. There was nobody else to help.
- [h] called for help, but nobody {came|heard [h.him]}.
- [^h.he] wanted to run away. But the little [a] {cried|called} again.
go_alone:
- [h] took a deep breath. {"One step at a time," [h.he] said|[^h.he] sang a song, very loudly,} and went
    on. {Ten|Seven|Twenty} steps, and there was the [a], {shaking with fear|wet and cold}. [h] {picked it
    up|took it in [h.his] arms}.
- "I am {small|afraid}, but the [a] is {smaller|more afraid}," thought [h]. [^h.he] {counted to
    three|closed [h.his] eyes for a moment} and went. {With each step|Little by little}, it became easier.
    At last [h.he] found the [a] and {stroked|held} it.
- [h] {fetched|took} a lantern. {In its light|With the light in [h.his] [hand]}, everything looked
    {smaller|quite friendly}. {Soon|Before long} [h.he] found the [a] and {carried it out|brought it to
    safety}.
home_animal:
- [h] carried the [a] back to its mother, the [a.mother], near [a.home]. {How glad she was!|She licked her
    little one from head to foot.}
- Near [a.home], the mother [a.mother] was already looking for her little one. When she saw it, she {made
    a happy sound|ran to meet them}.
deed:
- <day> {everyone|all the others} {wanted to|were going to} try [fear]. "Come with us, [h]!" {called|said}
    [f], a~ [f.kind].
- <day> it was [h.s] turn. {There was no way around [fear].|"Today you will do it, won't you?" asked [f],
    [h.his] friend.}
no:
- "{I can't|No, not me|I don't want to}," {whispered|said} [h]. <scared>
- [h] {hid behind|held on to} a~ <tree> tree. <scared>
- <scared> "{You go ahead|Go without me}," said [h] in a small voice.
trick:
- "{I was afraid of [fear], too|Everyone is afraid sometimes}," said [g.intro]. "{Do you know what I do
    then|Do you know what helps me}? I {hum my favorite song|count to ten|breathe in and out like the
    sea|think of my grandmother's pancakes}."
- [f.intro] took [h] by the [hand]. "We will do it together," [f.he] said. "{If you say stop, we stop|You
    can hold on to me all the time}."
- "Being brave does not mean that you are not afraid," said [g.intro]. "It means that you {are afraid and
    still try|try all the same}."
- "Start with {a little bit|just one small step}," said [g.intro]. "{Tomorrow|And then} you can do {a
    little bit|one step} more."
done:
- [h] nodded. {Slowly, very slowly,|With shaking knees} [h.he] {went up to|came close to} [fear]. One
    moment, two moments... and then {it was over|[h.he] had done it}!
- [h] {closed [h.his] eyes|took a deep breath|counted to three}. {And then [h.he] did it!|Then [h.he]
    opened [h.his] eyes again. "It is not so bad!" [h.he] said.}
- {First it was|The beginning was} {terrible|hard}, then it was {only half as bad|not so bad}, and in the
    end it was {almost|even} fun.
again:
- "{Again|Once more}!" <cried> [h]. And everyone {laughed|clapped}.
- "Can I do it {again|one more time}?" [h.he] asked.
- [f.intro] {clapped|cheered}. "You are so brave!" [f.he] <cried>.
- [g.intro] {winked at [h.him]|gave [h.him] a nod}. "I knew {that you could do it|it}."
moral:
- {Since that day|From that day on}, [h] was not afraid of [fear] any more.
- [h] {knew now|had learned} that {fear gets smaller when you walk toward it|you can be small and brave at
    the same time|brave people are afraid, too}.
- {Now and then|Sometimes} [h] was still a little afraid of [fear]. But then [h.he] {remembered this
    day|thought of this day} and smiled.
- And the next time somebody was afraid, [h] {was the one who helped|knew what to say}.
"""


def tell(t: Tale) -> None:
    rescue = t.subject in PLACES_OF_FEAR
    t.put(fear=t.subject)
    t.say("open", "afraid")
    t.maybe("why", 0.7)
    t.paragraph()
    if rescue:
        mother, young, cry, home = t.chance.pick(LOST_YOUNG)
        t.bind(a={"": young, "a": f"a~ {young}", "cried": cry, "mother": mother, "home": home})
        t.say("call", "scared", "nobody")
        t.paragraph()
        t.say("go_alone", "home_animal", "proud")
    else:
        t.say("deed", "no", "trick")
        t.paragraph()
        t.say("done", "proud" if t.happens(0.6) else "again")
    t.say("moral")


PLOT = Plot("fear", PLACES_OF_FEAR + DEEDS, tell, FORMS, animal_subjects=PLACES_OF_FEAR + ANIMAL_DEEDS)
