"""Somebody new arrives, is alone for a reason, and becomes a friend."""

from mldata.storybook.lexicon import words
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

TALENTS = words("""
draw horses, play the flute, walk on stilts, tell ghost stories, do magic tricks, fold paper birds,
imitate birds, jump very far, run very fast, make people laugh, build tiny houses, bake cookies, stand on
two hands, whistle with two fingers, find four-leaf clovers, carve little boats, name all the stars, sing
in three languages, skip stones, braid ribbons
""")

FORMS = """
arrive:
- <day> a new [f.kind] came {to [h.s] street|to the neighborhood|from far away}. [^f.his] name was [f].
- <day> a new family moved in {next door|across the road|nearby}. They had a~ [f.kind] {called|named} [f].
- <day> [h] saw a~ [f.kind] [h.he] did not know. It was [f], who had just {arrived|come} from {another
    country|the other side of the mountains|a faraway island}.
alone:
- [f] stood at the edge and {watched the others|said nothing}. {Nobody|No one} asked [f.him] to play.
- [f] sat {alone|all alone} [p] and {looked at [f.his] feet|drew lines in the sand}.
- The others were playing <game>, but [f] {only looked on|kept far away}.
whisper:
- "[f] {is strange|never says a word}," {whispered|said} some of the others. "{Leave [f.him] alone|[^f.he]
    must be proud}."
- "[f] talks {so funny|in such a funny way}," said someone, and {some|the others} laughed.
wonder:
- [h] {remembered|thought of} {the time when [h.he] had been new|how it feels to be alone}.
- "{Maybe [f] is just shy|Perhaps nobody has asked [f.him]}," {thought|said} [h].
- "How would I feel {in a new place|without a single friend}?" {thought|wondered} [h].
ask_g:
- [h] {asked|told} [g.intro] about it. "{A friendly word costs nothing|Somebody has to say hello first},"
    said [g]. "{Why not you?|Try it!}"
first:
- {So|Then} [h] went over and {sat down beside [f.him]|smiled}. "Hello, I am [h]. {Would you like|Do you
    want} to play with me?"
- [h] {took a~ <snack> and|picked a flower and} went to [f]. "{This is for you|Here}," [h.he] said. "{What
    is your name?|I am [h].}"
- {The next day|So} [h] {waved at|went to} [f]. "{Come|We need one more for <game>}, [f]!" [h.he] <cried>.
shy:
- [f] {turned|went} red and {ran away|hid behind a~ <tree> tree}. But [h] {did not give up|tried again the
    next day}.
- At first [f] only {nodded|shrugged}. [h] {stayed|waited} {all the same|patiently}.
language:
- [f] did not {know|understand} all the words. So they {used their [hand.s]|drew pictures in the
    sand|pointed at things and laughed}. "[^fruit]," said [h] and {pointed|held one up}, and [f] taught
    [h] the word in [f.his] own language.
talent:
- Then [h] {found out|saw} something: [f] could [x]! "{That is wonderful|How do you do that}?" <cried>
    [h]. "{Show me|Can you teach me}!"
- "What do you like to do?" asked [h]. [f] {thought for a moment|smiled for the first time}. Then [f.he]
    showed that [f.he] could [x]. {[h] was amazed|[h] clapped}.
- "I can [x]," said [f] {softly|quietly}. "{Really|Oh}? {I would love to see that|Please show me}!" said
    [h].
others:
- {Soon|One after the other} the others came {closer|nearer}. "{We want to see it, too|Do it again}!" they
    <cried>. {Now|And now} [f] {was in the middle|laughed with them}.
- {When the others saw it, they|The others saw it. They} {were amazed|stood with open mouths}. "{We were
    silly|We are sorry}," {they said|said one of them}. "{Will you|Do you want to} play with us?"
thanks:
- "Thank you for {asking|saying hello}," said [f]. "I was {so lonely|afraid that nobody would like me}."
- "You were the first one who {smiled at me|said hello}," said [f]. "I {will never forget that|was so
    glad}."
moral:
- {A stranger is a friend you do not know yet|Sometimes one small word opens a door}.
- {Everybody is new somewhere|Everyone has been new once}, and {a smile|a hello} {helps|makes it easier}.
- And when {the next new one came|somebody new came again}, it was [f] who {went over first|said hello
    first}.
- <friends_end>
"""


def tell(t: Tale) -> None:
    t.put(x=t.subject, fruit="<fruit>")
    t.bind(p=t.world.place())
    t.say("open")
    t.paragraph()
    t.say("arrive", "alone")
    t.maybe("whisper", 0.5)
    t.say("wonder")
    t.maybe("ask_g", 0.4)
    t.paragraph()
    t.say("first")
    if t.happens(0.6):
        t.say("shy" if t.happens(0.6) or not t.world.is_child else "language")
    t.say("talent")
    t.paragraph()
    t.maybe("others", 0.7)
    t.maybe("thanks", 0.6)
    t.say("moral")


PLOT = Plot("newcomer", TALENTS, tell, FORMS)
