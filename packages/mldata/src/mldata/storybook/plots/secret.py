"""A secret is found or told; it is kept, or it slips out and harm must be put right."""

from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

# secret -> what it is; who suffers if it is told; how the good end looks
SECRETS = {
    "nest": (
        "a nest with {four|three|five} blue eggs in it",
        "the birds would be frightened and fly away",
        "the eggs opened, and tiny birds stretched their necks",
    ),
    "kittens": (
        "a cat with {three|four|five} newborn kittens",
        "the mother would be frightened and carry them off",
        "the kittens opened their eyes and came out to play",
    ),
    "fox den": (
        "a den with {three|four} little foxes in it",
        "the foxes would have to move away",
        "the little foxes played in the evening sun",
    ),
    "hedgehog": (
        "a hedgehog asleep under the leaves",
        "it would wake up in the middle of winter",
        "the hedgehog woke up and stretched its legs in the spring sun",
    ),
    "bats": (
        "a family of bats, hanging in a row",
        "the bats would not sleep in peace",
        "the bats flew out at dusk, one after the other",
    ),
    "turtle eggs": (
        "a turtle laying its eggs in the sand",
        "somebody might dig up the eggs",
        "dozens of tiny turtles ran down to the water",
    ),
    "owl": (
        "a white owl asleep on a beam",
        "the owl would leave for ever",
        "the owl came every night and sat on the roof",
    ),
    "beavers": (
        "beavers building a house of branches",
        "the beavers would hide and stop building",
        "the beavers had made a whole lake",
    ),
    "butterfly": (
        "a cocoon with a butterfly growing inside",
        "everyone would touch it, and it would break",
        "the cocoon opened, and a butterfly unfolded its wings",
    ),
    "orchid": (
        "a rare flower that bloomed only for a week",
        "people would come and pick it",
        "there were ten flowers instead of one",
    ),
    "deer": (
        "a deer with a newborn fawn",
        "the deer would run off into the hills",
        "the fawn took its first steps on thin legs",
    ),
    "surprise": (
        "the neighbors, painting lanterns for a surprise feast",
        "it would be no surprise any more",
        'everyone shouted "Surprise!" and the lanterns shone',
    ),
}

SPOTS = {
    "nest": "in a {thick|thorny} bush",
    "kittens": "in an {old|upturned} crate",
    "fox den": "under a {big|mossy} root",
    "hedgehog": "in a heap of {dry |brown |}leaves",
    "bats": "inside a hollow tree",
    "turtle eggs": "on a {warm|sandy} bank",
    "owl": "in an {old|empty} hut",
    "beavers": "at the bend of a stream",
    "butterfly": "under a {broad|green} leaf",
    "orchid": "between two {gray|old} stones",
    "deer": "in the {tall|high} grass",
    "surprise": "behind an old {barn|shed|wall}",
}

FORMS = """
find:
- <day> [h] {was playing|was walking} {alone |}[p]. {There|Suddenly} [h.he] saw something [spot]: [what].
- <day> [h] {was exploring|wandered about} [p] and looked [spot], {just for fun|because it was so quiet
    there}. And what did [h.he] see? It was [what]!
- <day> [h] heard a {soft|strange} {sound|rustling} [p]. [^h.he] crept closer. [^spot], [h.he] {saw|found}
    [what].
told:
- "{Don't tell anyone|This must be our secret}," {whispered|said} [g.intro], who had {seen it,
    too|followed [h.him]}. "If too many {hear|know} about it, [harm]."
- "If I tell the others, [harm]," {thought|said} [h] to [h.himself]. "I must keep it secret."
- [h] {ran to ask|asked} [g.intro] about it. "{Tell nobody|Keep it to yourself}, please," said [g].
    "Otherwise [harm]."
hard:
- But keeping a secret is hard. It {tickled|jumped about} in [h.s] mouth like a {frog|fizzy drink}.
- All day the secret {danced|tickled} {on the tip of [h.s] tongue|inside [h.him]}.
- [h] {wanted to|could have} {shout|sung} it from the {roof|rooftops}.
ask_f:
- "{You have a secret|You know something}, don't you?" said [f], a~ [f.trait] [f.kind]. "{Tell me|Say it}!
    I will tell you mine{, too|}."
- [f], [h.his] friend, noticed it. "{Why are you smiling like that|Where do you go every day}?" [f.he]
    asked. "Please, please tell me!"
keep:
- [h] {pressed [h.his] lips together|shook [h.his] head}. "It is not my secret {alone|only}," [h.he] said.
    "When the time comes, you will be the first to {know|see it}."
- "I would like to," said [h], "but somebody {needs me to be quiet|could be hurt}. {Can you wait|Please
    wait}?" [f] {grumbled a little|was cross for a moment}, but then [f.he] nodded.
kept_end:
- {Three weeks later|Many days later|Then, one morning}, [end]. [h] {ran to fetch|took} [f] and showed
    [f.him] {everything|it all}. "{Now I understand|It was worth waiting for}," {whispered|said} [f].
- {And one [d]|Then the time came}: [end]. [f] stood beside [h] and {could hardly believe it|held [f.his]
    breath}. "You can really keep a secret," [f.he] {said|whispered}.
slip:
- {And then|Before [h.he] could stop}, it slipped out. "I {found|saw} [what]!" [h.he] {whispered|said}.
    [f] told {two|three} others, and {they told more|they told everyone}.
- "But don't tell anybody," said [h], and told [f] everything. [f] told [f.his] {brother|sister|cousin},
    and soon {the whole neighborhood|everyone} knew.
crowd:
- {The next day|That afternoon}, a {big |noisy |}crowd {came|stood} there. They {pushed and shouted|talked
    and laughed}. [h] {was frightened|was shocked}: this could end badly!
guilt_more:
- "This is my fault," {thought|whispered} [h]. "I have to do something{ at once|}."
put_right:
- [h] {climbed onto|stood on} a stone. "Please {go home|be quiet}!" [h.he] <cried>. "If you stay, {it will
    end badly|something bad will happen}. I was wrong to tell it. {Please help me now|I am asking you}."
    One after the other, they {went
    away|tiptoed off}.
- [h] and [f] {painted a sign|put up a sign}: "Please stay away and be quiet." They {kept watch|stood
    there} {every day|for a whole week}, until nobody came any more.
right_end:
- It went well {in the end|after all}. {Some weeks|A few weeks} later, [end].
- {Luckily it was not too late.|They were lucky.} {One [d]|A little later}, [end].
sorry:
- "I am sorry that I told everyone," said [f]. "I am sorry, too. {I told it first|It began with me}," said
    [h].
moral:
- {Some secrets are there to protect somebody|A good secret is like a seed: it needs quiet}.
- {From then on|After that}, [h] {knew when to be silent|thought twice before [h.he] told a secret}.
- {Keeping quiet can be a kind of love|Sometimes the kindest word is no word at all}.
- <evening>
"""


def tell(t: Tale) -> None:
    what, harm, end = SECRETS[t.subject]
    t.put(what=what, harm=harm, end=end)
    t.bind(p=t.world.place_outdoors())
    t.put(spot=SPOTS[t.subject])
    t.say("open")
    t.paragraph()
    t.say("find", "told", "hard")
    t.paragraph()
    t.say("ask_f")
    if t.happens(0.5):
        t.say("keep")
        t.paragraph()
        t.say("kept_end", "proud" if t.happens(0.5) else "happy")
    else:
        t.say("slip")
        t.paragraph()
        t.say("crowd", "guilt_more", "put_right")
        t.maybe("sorry", 0.5)
        t.say("right_end")
    t.say("moral")


PLOT = Plot("secret", tuple(SECRETS), tell, FORMS)
