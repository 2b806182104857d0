"""Something is learnt: it fails, somebody shows how, it is practised, it works."""

from mldata.storybook.plot import Plot
from mldata.storybook.tale import Tale

# skill -> (how it fails, what the teacher says, how it works at last)
CHILD_SKILLS = {
    "ride a bicycle": (
        "The bicycle wobbled and fell over.",
        "Look ahead, not at your feet.",
        "The wheels turned, and the wind blew in [h.his] hair.",
    ),
    "tie a bow": (
        "The laces came apart every time.",
        "First make two rabbit ears, then cross them.",
        "There it was, a bow like a butterfly.",
    ),
    "read": (
        "The letters looked like ants running around.",
        "Take one letter, then the next, and then say them together.",
        "Suddenly the letters turned into words, and the words into a story.",
    ),
    "skate": (
        "[^h.his] feet slid away in two directions.",
        "Bend your knees and keep your arms wide.",
        "[^h.he] glided over the ice like a swan.",
    ),
    "knit": (
        "The wool was full of knots.",
        "Go slowly, one stitch after the other.",
        "Row after row, a little scarf was growing.",
    ),
    "play the violin": (
        "It sounded like a hungry cat.",
        "Hold the bow as if it were a small bird.",
        "A clear, sweet tune filled the room.",
    ),
    "play chess": (
        "[^h.his] king was caught in four moves.",
        "Before you move, think of what I will do next.",
        '"Checkmate!" said [h], and could hardly believe it.',
    ),
    "bake bread": (
        "The bread was as flat as a plate.",
        "Let the dough sleep for an hour before you bake it.",
        "The bread was brown and round and smelled wonderful.",
    ),
    "write": (
        "The letters fell over like little sticks in the wind.",
        "Draw every letter big and round in the air first.",
        "There stood [h.his] own name, straight and clear.",
    ),
    "juggle": (
        "The balls flew everywhere, and one hit a lamp.",
        "Begin with one ball, then take two.",
        "Three balls danced in the air.",
    ),
}
SKILLS = {
    "swim": (
        "[^h.he] swallowed a lot of water.",
        "Move your legs like a frog and stay calm.",
        "The water carried [h.him], and [h.he] swam like a fish.",
    ),
    "whistle": (
        "Only air came out.",
        "Make your lips small, as if you wanted to kiss a cherry.",
        "A high, clear whistle rang out.",
    ),
    "climb a tree": (
        "[^h.he] slid down the trunk again and again.",
        "Hold on with three, and let only one move.",
        "[^h.he] sat on a branch and could see the whole valley.",
    ),
    "dive": (
        "[^h.he] landed flat on [h.his] tummy. Splash!",
        "Put your chin on your chest and make yourself long.",
        "[^h.he] cut through the water almost without a sound.",
    ),
    "jump over the stream": (
        "[^h.he] landed in the middle of the water.",
        "Run up a little, and look at the other side.",
        "[^h.he] flew through the air and landed on dry grass.",
    ),
    "dance": (
        "[^h.he] stepped on everybody's toes.",
        "Don't count your feet, listen to the music.",
        "[^h.his] feet knew the way all by themselves.",
    ),
    "sing": (
        "It sounded like a rusty door.",
        "Breathe deep down into your tummy, and open your mouth wide.",
        "The song rose up, clear and warm.",
    ),
    "catch a ball": (
        "The ball always flew past [h.him].",
        "Keep your eyes on the ball until it is in your arms.",
        "The ball landed right in [h.his] arms.",
    ),
    "do a somersault": (
        "[^h.he] fell over to the side.",
        "Make your back as round as an egg.",
        "[^h.he] rolled over like a ball and stood up again.",
    ),
    "row a boat": (
        "The boat only turned in circles.",
        "Pull both oars at the same time.",
        "The boat moved straight across the water.",
    ),
    "read a map": (
        "All the lines looked the same.",
        "First turn the map until it looks like the land in front of you.",
        '"This is the way to the mill!" said [h], and [h.he] was right.',
    ),
    "make a fire": (
        "There was only smoke.",
        "Begin with thin, dry twigs and give them air.",
        "A small flame grew, and soon it was warm.",
    ),
    "stand on one leg": (
        "[^h.he] fell over after two seconds.",
        "Choose a point far away and look at it.",
        "[^h.he] stood as still as a stork.",
    ),
    "drum": (
        "It was just a lot of noise.",
        "Listen to your heart, it drums all day.",
        "Everyone began to tap their feet.",
    ),
}

FORMS = """
wish:
- {More than anything|Most of all}, [h] wanted to learn to [x].
- [h] {saw|noticed} how well [f.intro] could [x]. "I want to {do that|learn that}, too," [h.he] said.
- {All [h.his] friends|Everyone} could [x], only [h] could not.
- There was one thing that [h] could not do: [x].
first:
- <day> [h.he] tried {for the first time|it}. [fails]
- <day> [h.he] {began|made up [h.his] mind to try}. But it was not easy. [fails]
- <day> [h.he] tried it {alone|all alone|in secret}. [fails]
laugh:
- {Someone|A boy|A voice behind [h.him]} laughed. <sad>
- "I will never learn {it|that}!" {said|sighed|cried} [h].
- [h] tried {again and again|five times, six times, seven times}. It was {no use|always the same}.
- <sad>
teacher:
- [g.intro] {had seen it|came and sat beside [h.him]}. "Nobody {can do it|gets it right} the first time,"
    said [g]. "{Let me show you|Here is a trick}. [advice]"
- "{May I tell you something|Shall I tell you a secret}?" asked [g.intro]. "{I needed a whole summer for
    it|I fell down a hundred times}. [advice]"
- "{Why do you want to give up|Are you giving up}?" asked [g.intro]. "{You are almost there|It only takes
    time}. [advice]"
- [f.intro] came to [h]. "{It took me weeks|It was hard for me, too}," [f.he] said. "[advice]"
practice:
- [h] practiced {every day|each day after lunch|morning and evening}. {On [later_day] it was a little
    better.|Some days were good, some were bad.|[^h.he] got {bruises|tired}, but [h.he] {went on|did not
    stop}.}
- [h] {tried it that way|did as [h.he] was told}. It was {a little |}better already. So [h.he]
    {tried|practiced} again {the next day|and again}, and {the day after that|the next day, too}.
- {A week|Two weeks|Many days} went by. [h] {fell|failed}, {laughed|sighed}, and tried {again|once more}.
- <try_again> {Every evening|Every day} [h.he] {got|became} a little better.
works:
- {And then, one [d],|One day, all at once,|Then came the day when} it worked! [works]
- {Suddenly|On the tenth day|At last} it happened. [works]
- "{Look|Look at me|Watch}, everybody!" <cried> [h]. [works]
show:
- [g.intro] {clapped|clapped and cheered}. "{I knew it|You did it}!" [g.he] said.
- {Everyone|The whole family} came to {see|watch} and clapped.
- "{Can you teach me|Will you show me how}?" asked {a little|a smaller} [h.kind] who had been watching.
    "{Of course|Gladly}," said [h]. "It {only takes time|is easy, when you know how}."
moral:
- {Everything is hard before it is easy|Nobody is born a master}.
- {If you keep trying|With patience and practice}, {you can learn almost anything|one day it works}.
- "{Yesterday|Before} I could not do it," {thought|said} [h], "and now I can."
- And the next day [h] {wanted to learn|began to learn} something new.
- <evening>
"""


def tell(t: Tale) -> None:
    fails, advice, works = (CHILD_SKILLS if t.subject in CHILD_SKILLS else SKILLS)[t.subject]
    t.put(x=t.subject, fails=fails, advice=advice, works=works)
    t.say("open", "wish")
    t.paragraph()
    t.say("first")
    t.maybe("laugh", 0.8)
    t.paragraph()
    t.say("teacher", "practice")
    t.paragraph()
    t.say("works", "proud")
    t.maybe("show", 0.6)
    t.say("moral")


PLOT = Plot("skill", (*SKILLS, *CHILD_SKILLS), tell, FORMS, animal_subjects=tuple(SKILLS))
