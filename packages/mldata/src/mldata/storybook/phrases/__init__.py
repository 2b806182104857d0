"""Sentence forms that every plot may use. They speak of the hero, `[h]`, unless their name says otherwise."""

from functools import cache

from mldata.storybook.forms import Grammar
from mldata.storybook.lexicon.vocabulary import LISTS
from mldata.storybook.phrases import endings, feelings, openings, speech


@cache
def shared_grammar() -> Grammar:
    return Grammar("\n".join((openings.FORMS, feelings.FORMS, speech.FORMS, endings.FORMS)), LISTS)
