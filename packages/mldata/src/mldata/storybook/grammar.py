"""English word forms: articles, possessives, pronouns, capital letters."""

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
