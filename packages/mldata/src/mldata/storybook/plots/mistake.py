"""Something is broken by mistake; first hidden or blamed away, then told, forgiven and mended."""

from mldata.storybook.lexicon import things
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

FORMS = """
rule:
- [g.intro] {had|owned} [x.a] and {was very fond of it|loved it very much}. It had been a present from {an
    old|a good|a faraway} friend.
- At home there was [x.a] that belonged to [g.intro]. "Please be careful with it," [g.he] {always |often
    |}said.
- On the {table|shelf|windowsill} stood [x.a]. [g.intro] had {got it from [g.his] grandmother|made it long
    ago|brought it from far away}.
accident:
- <day> [h] was {playing with a ball|throwing a ball} {inside|in the house}, though {it was not
    allowed|[g] had said not to}. {Bang|Crash}! The ball hit the [x], and it broke.
- <day> [h] was dancing {through|around} the room. [^h.his] {elbow|sleeve} {touched|caught} the [x]. It
    fell and broke {into pieces|in two|into three pieces}.
- <day> [h] {was chasing|chased} a~ <pet> around the table. {There was a crash|Crash}! The [x] lay {in
    pieces|broken} on the floor.
- <day> [h] wanted to {see|hold} the [x] {from close by|just once}. It {slipped|slid} out of [h.his]
    [hand.s] and {broke|cracked}.
shock:
- "Oh no!" {whispered|cried} [h].
- [h] stood {quite still|as if frozen}. What now?
- For a moment it was {very |}quiet.
hide:
- [h] {looked around|listened}. Nobody had {seen|heard} it. Quickly [h.he] {pushed|hid} the pieces {under
    the rug|behind the curtain|in a drawer|under the bed}.
- "{Nobody saw it|Maybe nobody will notice}," thought [h], and [h.he] hid the pieces in a~ <box>.
blame:
- "{What happened|Who did this}?" asked [g]. "{It was the wind|It was the cat|I don't know}," said [h]{
    quickly|}.
- When [g] asked about the [x], [h] {looked away and said nothing|said, "It was the cat!" But that was not
    true}.
tell_now:
- [h] wanted to {run away|hide the pieces}. But {then [h.he] thought of [g]|that did not feel right}.
- "Should I {hide|say nothing}?" thought [h]. But [h.he] knew {that this would be wrong|what was right}.
bad:
- {At dinner|All evening} [h] could not {eat|swallow} a bite.
- That night [h] {lay awake|could not sleep}. [^h.he] {turned from one side to the other|thought of the
    broken [x]}.
- [h] wanted to {play|read}, but [h.he] {kept thinking|could only think} of the [x].
confess:
- {At last|In the end} [h] {took [h.his] courage in both [hand.s] and |}went to [g]. "{I have to tell you
    something|It was me}," [h.he] said. "I broke the [x]. I am {so|very} sorry."
- "[g]," said [h] in a {small|low} voice, "I broke your [x]. I {did not mean to|am sorry}."
- [h] brought the pieces to [g]. "I did it," [h.he] said, and {the tears came|began to cry}. "I'm sorry."
forgive:
- [g] looked at the pieces and {sighed|was sad for a moment}. Then [g.he] {smiled|knelt down}. "Thank you
    for {telling me|telling the truth}," [g.he] said. "{A~ [x] is only a thing|You are more important than
    a~ [x]}."
- "{I was wondering when you would tell me|I knew it already}," said [g]. "I am {sad about the [x]|not
    happy about it}, but I am glad that you were {honest|brave enough to say it}."
- "{Everybody makes mistakes|That can happen to anyone}," said [g]. "{What counts is|It is important} that
    you {say so|told me the truth}."
relief:
- [h] felt as if a {heavy |big |}stone had {fallen|rolled} from [h.his] heart.
- {At once|Suddenly} [h] felt {light|ten pounds lighter|better}.
- <hug>
mend:
- Together they {glued|put} the pieces {together|back together}. One could {see|still see} the cracks, but
    {now the [x] had a story|they liked it that way}.
- They could not {mend|repair} the [x], so they {planted a flower in|made a picture out of} the {biggest
    piece|pieces}. It {looked|was} {lovely|beautiful}.
- [h] took {all |}the {coins|money} from [h.his] savings jar to help buy a new [x]. {They chose it
    together.|[g] was {touched|very pleased}.}
- "{Come|Now}, let us mend it," said [g]. {They worked|It took} {an hour|all afternoon}, and then the [x]
    {stood in its old place|was whole} again.
moral:
- {The truth is sometimes heavy|Telling the truth can be hard}, but {a lie is heavier|it makes the heart
    light}.
- {After that|From then on}, [h] played {ball|wild games} only {outside|in the garden}.
- "{Next time|From now on} I will tell you {at once|right away}," said [h]. {And so it was.|[g] nodded.}
- That night [h] slept {deeply|better than ever}{, with a clear heart|}.
"""


def tell(t: Tale) -> None:
    x = t.world.thing(t.subject)
    t.bind(x=x)
    t.say("open", "rule")
    t.paragraph()
    t.say("accident", "shock")
    hidden = t.happens(0.55)
    t.say("hide" if hidden else "tell_now", "guilty")
    if hidden:
        t.maybe("blame", 0.4)
        t.say("bad")
    t.paragraph()
    t.say("confess", "forgive", "relief", "mend")
    t.say("moral")


PLOT = Plot("mistake", things.BREAKABLE, tell, FORMS)
