"""Something is built; the first try fails for a reason, the second one minds the reason."""

from mldata.storybook.lexicon import things
from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

ON_WATER = ("boat", "raft", "ship")
IN_AIR = ("kite", "swing", "tree house", "rocket", "weather vane", "windmill")
ON_WHEELS = ("go-kart", "soapbox car", "wagon", "train", "sled")
BRITTLE = ("sandcastle", "snowman")

FORMS = """
wish:
- <day> [h] {wanted|decided} to build [x.a].
- {For a long time|For weeks}, [h] had {wished for|dreamed of} [x.a]. "Then I will build one myself!"
    [h.he] said.
- <day> [h] saw a picture of [x.a] in a {book|shop window}. "I can {build|make} that, too," [h.he]
    {said|thought}.
collect:
- [^h.he] {collected|gathered|looked for} {boards and nails|old boxes and string|sticks and rope|planks
    and wire|branches and bark}. Then [h.he] began to work.
- In the {shed|attic} [h.he] found {some boards|an old crate}, a hammer, and a~ <color>
    {rope|blanket|ribbon}. That was {enough|all [h.he] needed}.
- [^h.he] drew a plan with {a crayon|a pencil|chalk} and {brought together|fetched} everything [h.he]
    needed.
collect_brittle:
- [^h.he] {worked|began} at once, with both [hand.s].
- [^h.he] took a bucket and a shovel and {began|went to work}.
work:
- {Knock, knock, knock|Bang, bang, bang}! [h] {worked|hammered and sawed} all {morning|afternoon}.
- [h] {measured|cut} and {tied|glued} and {hammered|hummed} until {lunch|the sun stood high}.
done_first:
- {At last|Soon|By noon} the [x] {was ready|stood there}. [h] {stepped back|looked at it}
    {happily|proudly}.
fail_water:
- But when [h.he] put it into the water, it {filled up with water|tipped over} and sank. It had a
    {hole|crack} {at the bottom|between the boards}.
fail_air:
- But then the wind came, and the [x] {shook|wobbled} and came down. {The knots were too loose.|It was too
    heavy on one side.}
fail_wheels:
- But after {three|five} yards one wheel came off, and the [x] {stopped in|landed in} a {bush|ditch}. The
    nails were too short.
fail_brittle:
- But {suddenly|then} one side {slid down|began to lean}, and the whole [x] {fell apart|tumbled down}. It
    was too {thin|narrow} at the bottom.
fail_any:
- But when [h.he] {touched|leaned on} it, it {creaked|wobbled} and fell down. The {legs|corners} were
    {crooked|too weak}.
angry:
- "That {silly|stupid} [x]!" <cried> [h] and {kicked a stone|stamped [h.his] foot}.
- "I will never {build|make} anything again," {said|grumbled} [h].
- <sad>
friend:
- [f], [h.his] {friend|neighbor}, had {seen|watched} everything. "{The idea is good|It was nearly right},"
    said [f]. "{May I help|Shall we try it together}?"
- Then [f] came by. [f] was a~ [f.kind] who knew a lot about {knots|building|wood}. "{Don't give up|I know
    what is missing}," said [f].
grown:
- [g.intro] {came and looked at it|sat down beside [h]}. "My first [x] {fell apart, too|lasted only one
    minute}," said [g] and {laughed|smiled}. "{Do you know why|Look here}."
- "{What went wrong|Why did it fall}?" asked [g.intro]. [h] {thought about it|looked closely}. "Ah, {now I
    see|I know}!"
fix_water:
- They {filled|closed} the {hole|cracks} with {wax|tar|clay} and made the bottom {wider|flatter}.
fix_air:
- They tied {new|stronger} knots, {two on each side|double ones}, and {took away|moved} {a little|some}
    weight until both sides were {the same|equal}.
fix_wheels:
- They {took|used} longer nails and {tested|turned} each wheel {twice|ten times}.
fix_brittle:
- This time they made the bottom {twice as wide|broad and firm} and {patted|pressed} everything down.
fix_any:
- They {put|nailed} a {strong|thick} board {across|under} it and {made|set} the corners straight.
works_water:
- Then they {put|set} the [x] into the water and held their breath. It {worked|did not sink}! {It moved
    like a swan.|The water splashed and sparkled.}
works_air:
- The wind came again and {pulled|tugged} at it. The [x] {held|stayed up}!
works_wheels:
- And off it went, {down the hill|along the road}, faster and faster! The [x] {held|did not lose a wheel}!
works_brittle:
- {Now|And} the [x] stood firm, {with a feather on top|taller than [h]|as white and fine as in a fairy
    tale}.
works_any:
- {Now|And} the [x] stood as firm as a rock. They {shook|pushed} it, and it did not move.
use:
- They {painted it <color>|gave it a name|hung a little flag on it} and {invited|called} all their
    friends.
- "{It is|This is} the {best|finest} [x] in the {whole |}world!" <cried> {everybody|[h]}.
- {The neighbors|All the others} came to {see|look at} it and {clapped|were amazed}.
moral:
- {A mistake is not the end|If something goes wrong}, {it shows you what to do better|you can try again}.
- {Good things|The best things} {take time|often need a second try}.
- "{It is good|I am glad} that the first one {fell apart|broke}," said [h]. "{Otherwise we would not have
    built this one|Now I know how to do it}."
- <evening>
"""


def kind_of(noun: str) -> str:
    """What the thing has to stand up to, and so why the first one fails."""
    for kind, nouns in (("water", ON_WATER), ("air", IN_AIR), ("wheels", ON_WHEELS), ("brittle", BRITTLE)):
        if noun in nouns:
            return kind
    return "any"


def tell(t: Tale) -> None:
    kind = kind_of(t.subject)
    t.bind(x=t.world.thing(t.subject))
    t.say("open")
    t.paragraph()
    t.say("wish", "collect_brittle" if kind == "brittle" else "collect")
    if kind != "brittle":
        t.maybe("work", 0.6)
    t.say("done_first", f"fail_{kind}", "angry")
    t.paragraph()
    t.say("friend" if t.happens(0.6) else "grown", f"fix_{kind}", f"works_{kind}")
    t.say("proud" if t.happens(0.5) else "happy")
    t.maybe("use", 0.7)
    t.say("moral")


PLOT = Plot("building", things.BUILT, tell, FORMS)
