"""A strange animal is in trouble, gets the help that its trouble wants, and goes free or gives thanks."""

from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

# animal -> the troubles it can be in; each trouble has sections `see_`, `solve_` below.
TROUBLES = {
    "bird": ("wing", "net", "nest"),
    "hedgehog": ("hole", "net", "road"),
    "turtle": ("back", "road", "net"),
    "duckling": ("lost", "hole"),
    "squirrel": ("wing_leg", "net"),
    "frog": ("dry", "hole", "road"),
    "fawn": ("thorn", "lost"),
    "bee": ("sugar", "web"),
    "butterfly": ("web", "wet"),
    "ladybug": ("web", "wet"),
    "kitten": ("tree", "lost"),
    "snail": ("road", "dry"),
    "owlet": ("nest", "wing"),
    "lamb": ("thorn", "lost"),
    "fish": ("puddle",),
    "mouse": ("hole", "wet"),
    "lizard": ("jar", "net"),
    "puppy": ("thorn", "lost"),
    "swan": ("net", "wing"),
    "bat": ("wing", "curtain"),
    "goat": ("thorn", "fence"),
    "pony": ("thorn", "fence"),
    "starfish": ("sand",),
    "crab": ("net", "jar"),
    "seal": ("net", "sand"),
    "dragonfly": ("web", "wet"),
    "gosling": ("lost", "hole"),
    "piglet": ("fence", "lost"),
    "toad": ("road", "hole"),
    "beetle": ("back", "wet"),
}

NO_SPOT = ("road", "tree", "fence", "puddle", "curtain")  # these troubles name a spot of their own
BY_THE_SEA = ("starfish", "crab", "seal")

FORMS = """
walk:
- <day> [h] was {walking|playing} [p]. {Suddenly|Then} [h.he] heard {a faint noise|something} [p.spot].
- <day> [h] was on the way home. [p.spot], something {moved|rustled}.
- <day> [h] went [p.to]. There [h.he] {saw|found} something small [p.spot].
- <fine_day> [h] {walked|was strolling} along a path [p] when [h.he] {stopped|stood still}.
walk_on:
- <day> [h] was on the way home and {stopped|stood still}.
- <day> [h] {walked|was walking} along the {path|road} near [p.the] and {heard a faint sound|saw
    something}.
- <day> [h] {went|was going} for a walk near [p.the]. Suddenly [h.he] {stopped|stood still}.
see_wing:
- It was a {little|young} [a]. It could not fly, because one of its wings was hurt.
see_wing_leg:
- It was a {little|young} [a]. It could not climb, because one of its legs was hurt.
see_net:
- It was a {little|poor} [a], caught in an old net. The more it pulled, the tighter the net became.
see_nest:
- It was a young [a] that had fallen out of its nest.
see_hole:
- A~ [a] had fallen into a {deep hole|pit} and could not {climb|get} out{ on its own|}.
see_road:
- A~ [a] {sat|was sitting} in the middle of the road, and a {cart|wagon|bicycle} was coming!
see_back:
- A~ [a] was lying on its back, with its legs in the air. It {kicked|wiggled}, but it could not turn over.
see_lost:
- It was a {little|tiny} [a]. It was looking for its mother and {crying|calling} {sadly|loudly}.
see_dry:
- It was a~ [a], far from any water. Its skin was quite dry, and it {hardly moved|was very weak}.
see_thorn:
- It was a {young|little} [a] with a {long|sharp} thorn in its foot. It could not walk {any farther|any
    more}.
see_sugar:
- It was a tired [a] that could not fly another inch.
see_web:
- It was a~ [a], caught in a spider's web.
see_wet:
- A~ [a] had fallen into a {bucket|puddle} of water and {was splashing about|could not get out}.
see_tree:
- High up in a tree sat a {little|tiny} [a]. It had climbed up, and now it {did not know how to get
    down|was afraid to come down}.
see_puddle:
- It was a {small|silver} [a] in a puddle. The river had gone down, and the puddle was {getting
    smaller|drying up}.
see_jar:
- It was a {little|small} [a] inside {a glass jar|an old bottle}. It had crawled in, and now it could not
    find the way out.
see_curtain:
- It was a {little|small} [a]. Its claws were caught in an old {cloth|sack}, and it hung there upside
    down{, as bats do, but not happily|}.
see_fence:
- A~ [a] had {put|pushed} its head through a fence, and now it was stuck.
see_sand:
- It was a~ [a], left behind on the {hot|dry} sand by the {waves|tide}.
feel:
- "You poor thing!" {said|whispered} [h].
- "Don't be afraid," {said|whispered} [h]. "I {want to|will} help you."
- [h] {knelt|bent} down {slowly|gently}, so as not to {frighten|scare} it.
- The [a] looked at [h] with {dark|round|frightened} eyes.
ask_help:
- [h] {did not know what to do|was not sure what to do}. [^h.he] ran to {fetch|get} [g.intro].
- "This is too {difficult|hard} for me alone," thought [h], and [h.he] {fetched|called} [g.intro].
- [h] {called|ran for} [h.his] friend [f]. "{Quick|Come quickly}, [f], {I need you|somebody needs us}!"
solve_wing:
- [h] carried it home {carefully|in [h.his] hat} and made a {soft|warm} bed in a~ <box>. For {two|three}
    weeks, [h.he] gave it {seeds and water|food and water}. {Then|One morning} the wing was well.
solve_wing_leg:
- [h] tied a small stick to the leg with a {ribbon|soft cloth} and brought it nuts every day. After
    {two|three} weeks the leg was well.
solve_net:
- [h] held the [a] still and {cut|opened|bit through} the {knots|threads} one {by one|after the other},
    until it was free.
solve_nest:
- High in a~ <tree> tree [h] saw the nest. With a {ladder|long ladder}, the [a] was {soon|quickly} back
    with its brothers and sisters.
solve_hole:
- [h] {pushed|laid} a {long |}{board|branch} into the hole, like a little bridge. The [a] {sniffed|looked}
    at it, and then it climbed out.
solve_road:
- [h] ran and {waved both arms|lifted [h.his] arms}. "Stop!" [h.he] <cried>. Then [h.he] carried the [a]
    to the other side{, where the grass was high|}.
solve_back:
- [h] turned it over with {one finger|a leaf|the tip of [h.his] [hand]}, very gently. There! Now it stood
    on its {feet|legs} again.
solve_lost:
- [h] {carried|led} the [a] along the {stream|path} and listened. At last they heard an answer from far
    away. It was the mother!
solve_dry:
- [h] {put|set} it on a wet leaf and carried it to the {pond|stream}. In the cool water it {opened its
    eyes|came to life again}.
solve_thorn:
- "This will hurt for a moment," said [h]. [^h.he] {took hold of|held} the thorn and pulled. It was out!
solve_sugar:
- [h] {mixed|stirred} sugar and water in a spoon and {held|put} it in front of the [a]. It drank and
    drank.
solve_web:
- [h] took a {thin twig|blade of grass} and {loosened|lifted} the threads, until the [a] was free.
    "{Sorry, spider|The spider will find another lunch}," [h.he] said.
solve_wet:
- [h] held a {leaf|little stick} into the water. The [a] crawled onto it, and [h] put it {in the sun|on a
    warm stone} to dry.
solve_tree:
- [h] {leaned|put} a ladder against the tree and climbed up, step by step. {The|At first the} [a] {hissed,
    but then|was shy, but then} it crept into [h.his] {coat|arms}.
solve_puddle:
- [h] filled a bucket with water, put the [a] into it, and carried it {back |}to the river.
solve_jar:
- [h] {laid the jar on its side|put a thin twig into it} and {moved back|waited}. {Slowly|Little by
    little}, the [a] found the way out.
solve_curtain:
- [h] freed its claws, one {by one|after the other}, and hung it {on a branch|under the roof} where it was
    dark and cool.
solve_fence:
- [h] {bent|pushed} the {boards|bars} apart, just a little. {Pop!|One, two, three!} The [a] was free.
solve_sand:
- [h] poured water over it, again and again, until the next wave came and carried it back into the sea.
thanks:
- The [a] looked back once, as if it wanted to say {thank you|goodbye}. Then it was gone.
- The [a] {touched|nudged} [h.s] [hand], {and then it went its way|as if to say thank you}.
- For a moment the [a] stayed {close to|beside} [h]. Then it {disappeared|went off} {into the green|in the
    sunlight}.
miss:
- [h] was a little sad and very {happy|glad} at the same time.
- "{Goodbye|Take care}, little friend!" <cried> [h].
again_visit:
- {The next spring|Some weeks later|The next day}, [h] saw the [a] again. This time it had {three|four}
    little ones with it!
- {Every|After that, every} {summer|evening}, the [a] came {to visit|back to see [h]}.
- {The next morning|A few days later}, there was a {shiny shell|blue feather|round pebble|red berry} {on
    the windowsill|in front of the door}. [h] {could guess|knew} who had {left|brought} it.
back_help:
- {Some time later|Some weeks later}, [h] lost [h.his] way in the {wood|fog}. Then [h.he] saw the [a]. It
    went ahead and looked {back|around}, as if to say, "Follow me." It led [h] {safely |straight }home.
moral:
- {Even a small kindness is big for someone who needs it|Nobody is too small to help}.
- {Those who help|If you help others, you} find friends in {surprising|unexpected} places.
- [h] never forgot {that day|the little [a]}.
- <evening>
"""


def tell(t: Tale) -> None:
    trouble = t.chance.pick(TROUBLES[t.subject])
    t.put(a=t.subject)
    t.bind(p=t.world.seashore() if t.subject in BY_THE_SEA else t.world.place_outdoors())
    t.say("open")
    t.paragraph()
    t.say("walk_on" if trouble in NO_SPOT else "walk", f"see_{trouble}", "feel")
    t.maybe("ask_help", 0.35)
    t.paragraph()
    t.say(f"solve_{trouble}", "happy" if t.happens(0.5) else "proud")
    t.say("thanks")
    t.maybe("miss", 0.5)
    t.say(t.pick("again_visit", "back_help", "moral"))
    t.maybe("moral", 0.25)


PLOT = Plot("animal_help", tuple(TROUBLES), tell, FORMS, child_share=0.8)
