"""English word forms: articles, possessives, plurals, past tense, -ing, pronouns."""

import re
from functools import cache

VOWELS = "aeiou"
# Sound decides, not spelling.
AN_DESPITE_SPELLING = ("honest", "hour", "honour")
A_DESPITE_SPELLING = ("one", "unicorn", "useful", "unusual", "ukulele", "uniform", "eucalyptus")

PRONOUNS = {
    "f": {"he": "she", "him": "her", "his": "her", "himself": "herself", "mine": "hers"},
    "m": {"he": "he", "him": "him", "his": "his", "himself": "himself", "mine": "his"},
    "n": {"he": "it", "him": "it", "his": "its", "himself": "itself", "mine": "its"},
}

IRREGULAR_PAST = {
    "be": "was",
    "begin": "began",
    "bite": "bit",
    "blow": "blew",
    "break": "broke",
    "bring": "brought",
    "build": "built",
    "buy": "bought",
    "catch": "caught",
    "come": "came",
    "cut": "cut",
    "dig": "dug",
    "do": "did",
    "draw": "drew",
    "drink": "drank",
    "eat": "ate",
    "fall": "fell",
    "feed": "fed",
    "feel": "felt",
    "find": "found",
    "fly": "flew",
    "get": "got",
    "give": "gave",
    "go": "went",
    "grow": "grew",
    "hang": "hung",
    "have": "had",
    "hear": "heard",
    "hide": "hid",
    "hold": "held",
    "keep": "kept",
    "know": "knew",
    "leave": "left",
    "lend": "lent",
    "lie": "lay",
    "light": "lit",
    "lose": "lost",
    "make": "made",
    "meet": "met",
    "paint": "painted",
    "put": "put",
    "read": "read",
    "ride": "rode",
    "ring": "rang",
    "run": "ran",
    "say": "said",
    "see": "saw",
    "sell": "sold",
    "send": "sent",
    "set": "set",
    "sew": "sewed",
    "shake": "shook",
    "shine": "shone",
    "sing": "sang",
    "sit": "sat",
    "sleep": "slept",
    "speak": "spoke",
    "spin": "spun",
    "stand": "stood",
    "steal": "stole",
    "sweep": "swept",
    "swim": "swam",
    "swing": "swung",
    "take": "took",
    "teach": "taught",
    "tell": "told",
    "think": "thought",
    "throw": "threw",
    "understand": "understood",
    "wake": "woke",
    "wear": "wore",
    "win": "won",
    "write": "wrote",
}
IRREGULAR_PLURAL = {
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "leaf": "leaves",
    "man": "men",
    "mouse": "mice",
    "sheep": "sheep",
    "shelf": "shelves",
    "tooth": "teeth",
    "wolf": "wolves",
    "loaf": "loaves",
    "fish": "fish",
    "deer": "deer",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "scarf": "scarves",
    "calf": "calves",
}


def article(words: str) -> str:
    """`a` or `an`, whichever the words after it want."""
    first = words.lower()
    if first.startswith(AN_DESPITE_SPELLING):
        return "an"
    if first.startswith(A_DESPITE_SPELLING):
        return "a"
    return "an" if first[:1] in VOWELS else "a"


@cache
def with_article(words: str) -> str:
    return f"{article(words)} {words}"


_MARK = re.compile(r"\b([Aa])~ ([\"“]?)(\w+)")


def resolve_articles(text: str) -> str:
    """Turn every `a~` into `a` or `an` once the word after it is known."""
    return _MARK.sub(lambda m: m[1] + article(m[3])[1:] + " " + m[2] + m[3], text)


# An ellipsis ends no sentence, and neither does a mark inside quotation marks.
_SENTENCE_START = re.compile(r"(?<=[^.][.!?] )[a-z]")


def capitalize_sentences(text: str) -> str:
    return _SENTENCE_START.sub(lambda m: m[0].upper(), text)


def possessive(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def plural(noun: str) -> str:
    """Plural of a noun or of a noun phrase ending in its noun: `toy mouse` gives `toy mice`."""
    start, _, last = noun.rpartition(" ")
    if last in IRREGULAR_PLURAL:
        many = IRREGULAR_PLURAL[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        many = last + "es"
    elif last.endswith("y") and last[-2:-1] not in VOWELS:
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return f"{start} {many}" if start else many


def _doubles(verb: str) -> bool:
    """Whether the last consonant doubles before -ed and -ing: hop, hopped; but rain, rained; open, opened."""
    short = sum(letter in VOWELS for letter in verb) == 1
    return short and len(verb) >= 3 and verb[-1] not in VOWELS + "wxy" and verb[-2] in VOWELS


@cache
def past(phrase: str) -> str:
    """Past tense of a verb phrase given by its base form: `go home` gives `went home`."""
    verb, _, rest = phrase.partition(" ")
    if verb in IRREGULAR_PAST:
        form = IRREGULAR_PAST[verb]
    elif verb.endswith("e"):
        form = verb + "d"
    elif verb.endswith("y") and verb[-2] not in VOWELS:
        form = verb[:-1] + "ied"
    else:
        form = (verb + verb[-1] if _doubles(verb) else verb) + "ed"
    return f"{form} {rest}" if rest else form


@cache
def gerund(phrase: str) -> str:
    """The -ing form of a verb phrase: `ride a bicycle` gives `riding a bicycle`."""
    verb, _, rest = phrase.partition(" ")
    if verb.endswith("ie"):
        form = verb[:-2] + "ying"
    elif verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        form = verb[:-1] + "ing"
    else:
        form = (verb + verb[-1] if _doubles(verb) else verb) + "ing"
    return f"{form} {rest}" if rest else form
