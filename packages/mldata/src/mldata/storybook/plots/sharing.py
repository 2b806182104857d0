"""Somebody has something good, somebody else has nothing; it is shared, and kindness comes back."""

from mldata.storybook.lexicon import food
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

FORMS = """
have:
- <day> [g.intro] gave [h] a~ {big|fresh|warm} [x] {to take along|for the day}.
- <day> [h] had a~ [x] in [h.his] bag. It smelled {wonderful|so good}, and [h.he] was {looking forward to
    it|very hungry}.
- [h] had {helped|worked} all morning, and for that [g.intro] gave [h.him] a~ [x].
- <day> [h] sat down [p] to eat [h.his] [x]. It was [h.his] favorite food.
see:
- Just then [h.he] saw [f], a~ [f.kind] {[h.he] hardly knew|from [h.his] street|who looked very hungry}.
    [f] {had nothing to eat|was looking at the [x] with big eyes}.
- Beside [h.him] sat [f], a~ [f.trait] [f.kind]. [f] had {forgotten|lost} [f.his] lunch{, and [f.his]
    stomach growled|}.
- Not far away, a~ [f.kind] {named|called} [f] was sitting {alone|all alone}. [f] had {dropped [f.his]
    lunch in the mud|nothing with [f.him]}.
not_want:
- [h] looked at [h.his] [x]. It was not {very |}big. "If I give some away, there is less for me," [h.he]
    thought.
- At first [h] turned {around|away}, so that [h.he] did not have to see it. But the [x] did not taste good
    that way.
- [h] {was|felt} torn. [^h.he] was hungry, {too|and the [x] smelled so good}.
ask_f:
- "{Are you hungry|Don't you have anything to eat}?" asked [h]. [f] {nodded|looked at the ground}.
- "{What happened to your lunch|Where is your lunch}?" asked [h]. "{I have none|It is gone}," said [f]
    {quietly|sadly}.
share:
- [h] {broke|cut} the [x] in two and gave [f] {half|the bigger half|one piece}. "{Here|This is for you},"
    [h.he] said.
- "{Come|Sit down} and eat with me," said [h] and gave [f] half of the [x].
- Then [h] {smiled|made up [h.his] mind}. "{We can share|There is enough for two}," [h.he] said, and held
    out half of the [x].
eat:
- They sat {in the sun|side by side} and {ate|chewed}. {It was strange|And how strange}: half a~ [x]
    tasted better than a whole one.
- They ate {slowly|every crumb} and {told each other jokes|talked about <game>}.
- "{Mmm|Oh}, that is {good|the best [x] in the world}," said [f] with {a full mouth|a big smile}.
- <thanks_from_f>
thanks_from_f:
- "Thank you," said [f]. "{That was so kind|Nobody ever shared with me before|I will not forget this}."
later_rain:
- {Some days|A week} later, it {began to rain|was raining} hard. [h] had no {umbrella|coat} and {was wet
    to the skin|stood under a tree, shivering}. Then [f] came by. "There is room for two {under my
    umbrella|under this big leaf}," said [f].
later_lunch:
- {The next week|Some days later}, it was [h] who had forgotten {the|[h.his]} lunch. [f] {saw it at
    once|did not wait to be asked}. "Now it is my turn," said [f] and gave [h] half of a~ <snack>.
later_heavy:
- {Some days later|The next day}, [h] had to carry a {heavy basket|sack of potatoes} home. It was {much
    |}too heavy. "Wait, I will help you!" <cried> [f]. {Together|With two} it was easy.
later_lost:
- {Some days later|Soon after}, [h] {lost|had lost} the way in the fog. "Is that you, [h]?" called a
    voice. It was [f], and [f] {knew the way|took [h] home}.
later_game:
- The next day, the others were {choosing|picking} players for a game of <game>. Nobody {chose|picked}
    [h]. "I want [h] on my side!" <cried> [f].
surprise_back:
- {Some days later|The next morning}, there was a little {parcel|basket} at [h.s] door. In it {lay|was} a~
    <cake> and a note: "For [h], from [f]. We share!"
moral:
- {When you share, you have less in your [hand.s] and more in your heart|Sharing makes one thing into two:
    a meal and a friend|What you share comes back to you}.
- {So that is how it is|"So it is true," thought [h]}: {kindness|what you give} comes back.
- "I am glad that I shared," {thought|said} [h].
- <friends_end>
"""
LATER = ("later_rain", "later_lunch", "later_heavy", "later_lost", "later_game", "surprise_back")


def tell(t: Tale) -> None:
    t.put(x=t.subject)
    t.bind(p=t.world.place())
    t.say("open")
    t.paragraph()
    t.say("have", "see")
    t.maybe("not_want", 0.6)
    t.maybe("ask_f", 0.6)
    t.say("share")
    t.maybe("eat", 0.9)
    t.paragraph()
    if t.happens(0.8):
        t.say(t.pick(*LATER), "happy")
    t.say("moral")


PLOT = Plot("sharing", food.SNACKS, tell, FORMS)
