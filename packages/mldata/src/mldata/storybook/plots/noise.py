"""A strange noise in the night turns out to be something small and friendly."""

from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

# source -> (the sound, what it was, what the hero did about it)
NOISES = {
    "branch": ("tap, tap, tap", "a branch was knocking at the window in the wind", "cut it back a little"),
    "cat": (
        "scratch, scratch",
        "a wet cat was sitting outside and wanted to come in",
        "let it in and dried it with a towel",
    ),
    "mouse": (
        "crunch, crunch",
        "a little mouse was eating crumbs behind the cupboard",
        "put a bit of cheese on the floor for it",
    ),
    "kettle": ("hiss, hiss", "the old kettle was still standing on the warm stove", "took it off the fire"),
    "shutter": ("bang, bang", "a loose shutter was swinging in the wind", "closed it with a hook"),
    "owl": (
        "hoo, hoo",
        "an owl was sitting on the roof and calling its young ones",
        "listened to it for a while",
    ),
    "tap": ("drip, drip, drip", "water was dripping from the tap into a bowl", "turned it off"),
    "snore": ("rrr, rrr, rrr", "the old dog was snoring under the table", "turned it gently onto its side"),
    "hedgehog": (
        "snuffle, snuffle",
        "a hedgehog was looking for supper in the leaves",
        "put out a dish of water for it",
    ),
    "clock": (
        "tick, tick, clunk",
        "the old clock had something stuck in its wheels",
        "took out a little feather",
    ),
    "frog": ("croak, croak", "a frog had jumped into the bucket by the door", "carried it back to the pond"),
    "moth": ("flap, flap", "a big moth was flying around the lamp", "opened the window for it"),
    "puppy": ("whine, whine", "the new puppy was missing its mother", "let it sleep beside the bed"),
    "rain": ("plop, plop", "rain was falling into an empty pot", "turned the pot over"),
    "gate": ("squeak, squeak", "the old gate was moving in the wind", "put some oil on it"),
    "bee": ("bzzz, bzzz", "a bee was caught behind the curtain", "carried it outside in a glass"),
    "toy": ("ding, ding, dong", "the music box had fallen over and was playing by itself", "closed its lid"),
    "squirrel": (
        "knock, rattle, knock",
        "a squirrel was rolling nuts across the attic floor",
        "gave it a few more nuts",
    ),
}

FORMS = """
night:
- {One|Late one} night, [h] {woke up|could not sleep}. {It was very dark|The moon was behind the clouds}.
- {One|That} evening, [h] {lay|was lying} in bed. {Everyone was asleep|The house was quiet}.
- It was {a windy|a dark|a cold} night. [h] had just {closed [h.his] eyes|pulled up the blanket}.
sound:
- Then {it came|[h.he] heard it}: "[^sound]!"
- "[^sound]!" What was that?
- Suddenly there was a {strange |}noise: "[^sound]!"
guess:
- "{Is it a monster|Is it a ghost|Is it a robber|Is it a dragon}?" {thought|whispered} [h].
- [h] {imagined|thought of} {a giant with green teeth|a ghost with a chain|a monster with long fingers|a
    dragon with cold feet}.
hide:
- [^h.he] {pulled|drew} the blanket over [h.his] head. "[^sound]!" There it was again.
- [^h.he] {put [h.his] fingers in|covered} [h.his] ears, but it did not help. "[^sound]!"
- [^h.he] {held|hugged} [h.his] {pillow|teddy bear} tightly. "[^sound]!" {Louder|Closer} this time.
get_g:
- [h] {ran|tiptoed} to [g.intro]. "{There is something in the dark|Something is making a noise}," [h.he]
    whispered. [g] {listened|got up}. "{Let us go and see|Come, we will find out}," [g.he] said.
- "Help!" {called|cried} [h]. Soon [g.intro] came with a {lamp|candle}. "{What we know does not frighten
    us|Let us look together}," [g] said.
get_alone:
- "{I have to know what it is|I want to sleep, so I have to know}," said [h]. [^h.he] {took [h.his]
    lamp|lit a candle} and {got up|put on [h.his] slippers}.
- [h] {took a deep breath|counted to ten}. "A detective is not afraid of {noises|the dark}," [h.he] said{,
    not very loudly,|} and {got up|climbed out of bed}.
search:
- {Step by step|On tiptoe|Slowly}, [h] went {down the hall|along the wall|past the stairs}, {nearer and
    nearer|closer and closer}. "[^sound]!"
- The floor creaked. {A shadow moved, but it was only a coat|Something touched [h.him], but it was only
    the curtain}. "[^sound]!"
truth_alone:
- And what was it? [^truth]!
- The light fell on the place the noise came from. [^truth]!
- [h] began to laugh. [^truth]! {That was all.|Nothing more.}
- [^h.he] lifted the lamp. [^truth]!
truth_both:
- And then they saw it. [^truth]!
- The light fell on the {place|spot} where the noise came from. [^truth]!
- Both of them had to laugh. [^truth]! {That was all.|Nothing more.}

solve:
- [h] [deed]{, and then it was {quiet|still}|}.
- {Quickly|Gently|With a smile}, [h] [deed].
talk:
- "{So that was my monster|What a small monster}," {laughed|said} [h].
- "{The dark makes small things big|In the dark, every sound is bigger}," said [h], "but light makes them
    small again."
sleep:
- {Then|Soon} [h] {went back to bed|lay in bed again} and {slept|fell asleep} {at once|until morning}.
- {Five minutes later|Before the clock struck again}, [h] was {fast asleep|asleep and dreaming}.
- And [h] {slept like a stone|dreamed of {boats|clouds|pancakes|flying}} {until the sun came up|all
    night}.
moral:
- {From then on|After that}, when [h] heard a noise {at night|in the dark}, [h.he] {got up to
    look|wondered what small thing it was this time}.
- {What we know|What we have seen with our own eyes} is {not frightening|only half as scary}.
- In the morning, [h] told [f.intro] about it, and they {laughed|played "[sound]"} {for an hour|until
    lunch}.
"""


def tell(t: Tale) -> None:
    sound, truth, deed = NOISES[t.subject]
    t.put(sound=sound, truth=truth, deed=deed)
    alone = t.happens(0.5)
    t.say("open")
    t.paragraph()
    t.say("night", "sound", "guess", "scared")
    t.maybe("hide", 0.7)
    t.paragraph()
    t.say("get_alone" if alone else "get_g")
    t.maybe("search", 0.8)
    t.say("truth_alone" if alone else "truth_both", "solve", "talk")
    t.paragraph()
    t.say("sleep")
    t.maybe("moral", 0.7)


PLOT = Plot("noise", tuple(NOISES), tell, FORMS)
