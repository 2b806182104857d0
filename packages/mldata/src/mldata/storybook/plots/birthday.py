"""A birthday comes near, there is no money for a present, and something better is made."""

from mldata.storybook.lexicon import things
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

FORMS = """
near:
- {On [later_day]|In a few days} it would be the birthday of [b.intro].
- {Soon|In three days|In a week} it would be the birthday of [b.intro].
- [b.intro] was going to have a birthday on [later_day].
near_fix:
- [h] {wanted to give|had to find} a present{, a really good one|}.
- [h] {thought about|wondered about} a present {day and night|for a long time}.
no_money:
- But in [h.his] <box> there was only {one coin|a button|a button and a feather}.
- But [h] had no money{, not {a single coin|one coin}|}.
- But everything in the shop {window |}was too expensive.
asked:
- "What does [b] like {best|most of all}?" [h] asked [o.intro]. "{Something that you have made yourself|It
    does not have to be bought}," said [o].
- "The best presents {come from the heart|cannot be bought}," said [o.intro]. That gave [h] an idea.
- <idea>
decide:
- "I will make [x.a]!" [h.he] {thought|said}.
- [^h.he] would {make|surprise [b] with} [x.a]. Nobody was to know about it.
make:
- [h] {worked|sat} {behind a closed door|in [h.his] room|in a corner} {all day|every afternoon}. [^h.he]
    used {everything that [h.he] could find|all the bits and pieces in the house|the best of all [h.his]
    treasures}, and {a lot of|much} love.
- {In secret|Secretly}, [h] {went to work|began}. [^h.he] {got paint|had paint} on [h.his] {nose|ears} and
    glue {on|between} [h.his] {fingers|toes}, but that did not matter.
make_food:
- [h] {measured|took} flour, sugar, and {eggs|butter}, and {worked|stirred} {until [h.his] arms hurt|with
    a big spoon}. {Soon it smelled wonderful.|There was flour everywhere, even on the lamp.}
make_words:
- [h] {sat under a~ <tree> tree|walked up and down} and {looked for|thought about} the right words.
    {Some|Two lines} came {quickly|at once}, others {took all day|had to be looked for}.
almost:
- Once [b] almost {came in|saw it}. "{Don't come in|Close your eyes}!" <cried> [h]. "{It is a secret|You
    will see soon}."
- "What are you doing {there|all day}?" asked [b]. "{Oh, nothing|Nothing at all}," said [h] and {hid
    everything behind [h.his] back|tried not to laugh}.
mishap:
- The evening before, {it fell to the floor and was spoiled|a~ <pet> {sat|stepped} on it|the rain came
    through the window and spoiled it}. <sad> But [h] {began again|started once more} and worked until
    {the stars came out|late}.
- {Oh no|But then}! {The first one|The first try} {went wrong|was not good}. <try_again>
morning:
- {Then|At last} the {big |}day {came|was there}. "Happy birthday, [b]!" <cried> [h] and {held out|gave
    [b.him]} [x.a].
- On the {morning|day} of the birthday, [h] could hardly wait. "{This is for you|I made it myself}, [b]!"
    [h.he] <cried>. It was [x.a].
- "Surprise!" <cried> [h] {in the morning|at breakfast}. "This [x] is for you, [b]!"
joy:
- [b] {looked at it|was silent} for a {long time|moment}. "{Did you make this yourself|You made this for
    me}?" [b.he] asked. "It is the {most beautiful|best} [x] that I have ever {had|seen}!"
- [b] {had tears in [b.his] eyes, but they were happy tears|beamed like the sun}. "{Nobody ever made me
    something like this|What a wonderful present}," [b.he] said.
- "Oh!" said [b], and then nothing more. [^b.he] {hugged|kissed} [h] {very tightly|for a long time}.
worry:
- "It is not {very big|perfect}," {said|whispered} [h]. "It is perfect for me," said [b].
- All the other presents {came from a shop|had been bought}, {but this one got the best place|but this was
    the one that [b] liked best}.
party:
- Then they {ate|had} <cake>, {sang|danced} and played <game> {until evening|all afternoon}.
- There was <cake> {with candles|for everyone}, {and [b] blew out all the candles at once|and everybody
    sang}.
moral:
- {What comes from the heart|A present that is made with love} {is worth more than gold|needs no money}.
- [h] {had learned|knew now} that {giving is as nice as getting|the best presents cost nothing but time}.
- "{My birthday|The next birthday} can come," {laughed|said} [h].
- <evening>
"""
FOOD, WORDS = ("cake", "jar of jam"), ("song", "poem", "letter")


def tell(t: Tale) -> None:
    friend_celebrates = t.happens(0.45)
    b = t.world.friend if friend_celebrates else t.world.grown_up
    other = t.world.relative() if not friend_celebrates else t.world.grown_up
    while other[""] == b[""]:
        other = t.world.neighbor()
    noun = t.subject
    t.bind(b=b, o=other, x=t.world.thing(noun) if noun not in WORDS + FOOD else t.world.plain(noun))
    t.say("open")
    t.paragraph()
    t.say("near", "near_fix", "no_money", "asked", "decide")
    t.paragraph()
    t.say("make_food" if noun in FOOD else "make_words" if noun in WORDS else "make")
    t.maybe("almost" if noun in WORDS or t.happens(0.6) else "mishap", 0.75)
    t.paragraph()
    t.say("morning", "joy")
    t.maybe("worry", 0.4)
    t.say("happy" if t.happens(0.5) else "proud")
    t.maybe("party", 0.4)
    t.say("moral")


PLOT = Plot("birthday", things.GIFTS, tell, FORMS)
