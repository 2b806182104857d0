"""Two friends want the same thing, quarrel, miss each other and make up."""

from mldata.storybook.lexicon import things
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

OF_CLOTH = ("teddy bear", "doll", "hammock", "hat", "big cushion", "net", "costume", "cape")

FORMS = """
friends:
- [^h.his] best friend was [f], a~ [f.trait] [f.kind].
- [h] had a {good|best} friend, the [f.kind] [f]. They {played together every day|did everything
    together|were always together}.
- [h] and [h.his] friend [f], a~ [f.kind] who lived {nearby|just around the corner}, {met|played together}
    every {day|afternoon}.
find:
- <day> they found [x.a] [p].
- <day> they were playing [p]. There {stood|lay|was} [x.a].
- <day> [g.intro] {gave|brought} them [x.a]. "It is for both of you," [g] said.
- <day> [h] and [f] saw [x.a] [p]. It seemed to belong to nobody.
want:
- "I {saw|want} it first!" <cried> [h]. "No, I {saw|want} it first!" <cried> [f].
- "It's my turn!" said [h]. "No, mine!" said [f].
- Both wanted {to play with|to have} the [x]. Neither wanted to wait.
- "Give it to me!" shouted [h]. "You always go first!" shouted [f].
fight:
- [h] pulled on one side, and [f] pulled on the other.
- They pushed and pulled and {grew louder and louder|called each other silly names}.
- They {shouted|yelled} so loudly that {all the birds flew away|a~ <pet> ran away in fear}.
- Nobody wanted to let go.
breaks:
- {Crack|Snap|Oh no}! {Suddenly|Then} the [x] broke in two. Now nobody could play with it.
- Then there was a {loud |terrible |}{crack|noise}, and a piece of the [x] {broke|came} off. Both of them
    {stared at it|were silent}.
parts:
- "I don't want to {play with you|be your friend} any more!" said [f] and {went|ran} home. [h] was left
    alone with the [x].
- "Then keep it!" said [f] and walked away. [h] had the [x] all to [h.himself] now.
- [h] got the [x] at last, because [f] {let go|gave up} and {went away|ran home}.
breaks_soft:
- {Rip|Oh no}! {Suddenly|Then} the [x] {tore in two|was torn}. Now nobody could use it.
- Then there was a long, terrible sound, and the [x] {had a big hole|was torn from end to end}.
alone:
- But playing alone was {no fun|boring}.
- At first [h] {was glad|felt like a winner}. But {soon|after a while} the [x] was {no fun|not
    interesting} any more.
alone_broken:
- {Each|Each of them} went home {alone|without a word}.
- [f] went home {angry|crying}, and so did [h].
ask_g:
- "{A thing can be mended, and so can a friendship|You can buy a~ [x], but you cannot buy a friend}," said
    [g.intro].
- [g.intro] asked, "What is more important to you, the [x] or [f]?" [h] {did not need to think|knew the
    answer at once}.
- "If you want a friend, you have to {be one|say sorry sometimes}," said [g.intro].
think:
- "I was {wrong|mean|silly}," thought [h]. "[f] is more important than a~ [x]."
- {All night|The whole evening} [h] thought about [f]. "I {should have shared|was not nice}," [h.he] said
    to [h.himself].
- [h] {remembered|thought of} all the fun [h.he] and [f] used to have.
go:
- {The next day|The next morning|So} [h] {went to [f.s] {house|home}|knocked on [f.s] door}.
- {The next day|The next morning}, [h] took the [x] and went to {see|find} [f].
- {After lunch|The next morning}, [h] saw [f] sitting alone {under a~ <tree> tree|on a wall|by the path}
    and went over to [f.him].
sorry:
- "I am sorry," {they both said|said [h] and [f]} at the same time. Then they had to laugh.
- "I'm sorry that I {shouted|pushed|was so mean}," said [h]. "I'm sorry, too," said [f]{. "I missed
    you."|.}
- "{Please forgive me|I am sorry}, [f]," said [h]. "{I want to be your friend again.|Will you be my friend
    again?}" [f] {nodded|smiled}. "I am sorry, too," [f.he] said.
turns:
- "You {go|play} first," said [h]. "No, you," said [f]. In the end they took turns{, and each turn was as
    long as a song|, and they counted to a hundred each time|}.
- Now they took turns{ with the [x]|}. {First [f], then [h], then [f] again.|While one played, the other
    one {watched|sang}.}
- They {thought of|made up} a game with the [x] that {needed two|was only fun for two}.
repair:
- Then they {mended|repaired} the [x] together, with {glue and string|a hammer and two nails|tape and a
    lot of patience}. It {looked a bit crooked|was not as beautiful as before}, but they liked it {even
    better|more than before}.
- They took the pieces to [g.intro], and {[g] showed them how to glue them|together they glued them}.
    {Soon|By evening} the [x] was {whole|as good as new}.
repair_soft:
- Then they sewed up the [x] with {a needle and red thread|big stitches}. It {looked a bit crooked|looked
    funny}, but
    they liked it {even better|more than before}.
- They took the pieces to [g.intro], and {[g] showed them how to sew|together they sewed for an hour}.
    {Soon|By evening}
    the [x] was {whole|as good as new}.
moral:
- {Things are nice|A~ [x] is nice}, but a friend is {better|nicer}.
- {From then on|After that}, they {never quarreled|did not quarrel} {about a~ [x]|over things} again.
    Well, {hardly ever|almost never}.
- {Sharing|Playing together} {is|was} more fun than {winning|having everything alone}.
- <friends_end>
"""


def tell(t: Tale) -> None:
    t.bind(x=t.world.thing(t.subject), p=t.world.place_outdoors())
    t.say("open", "friends")
    t.paragraph()
    t.say("find", "want", "fight")
    broken = t.happens(0.4)
    soft = "_soft" if t.subject in OF_CLOTH else ""
    t.say(f"breaks{soft}" if broken else "parts")
    t.paragraph()
    t.say("alone_broken" if broken else "alone", "lonely" if t.happens(0.7) else "sad")
    t.say("ask_g" if t.happens(0.4) else "think")
    t.paragraph()
    t.say("go", "sorry", f"repair{soft}" if broken else "turns")
    t.maybe("happy", 0.35)
    t.say("moral")


PLOT = Plot("quarrel", things.WANTED_BY_TWO, tell, FORMS)
