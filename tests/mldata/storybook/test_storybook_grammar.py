"""English word forms, the form language, and chance."""

import math

import pytest
from mldata.storybook.chance import Chance, mixed
from mldata.storybook.forms import Grammar, render, split_sections
from mldata.storybook.grammar import (
    capitalize_sentences,
    possessive,
    resolve_articles,
    with_article,
)
from mldata.storybook.world import Character, thing


def test_articles_follow_the_sound() -> None:
    marked = "a~ owl, a~ hour, a~ unicorn, A~ old hat, a~ big hat"
    assert resolve_articles(marked) == "an owl, an hour, a unicorn, An old hat, a big hat"
    assert [with_article(word) for word in ("apple", "kite")] == ["an apple", "a kite"]


def test_sentences_begin_with_a_capital_but_not_after_an_ellipsis() -> None:
    assert capitalize_sentences(
        "It rained. he ran! one, two... three."
    ) == "It rained. He ran! one, two... three.".replace("! one", "! One")


def test_names_have_possessives_and_are_introduced_once() -> None:
    assert [possessive(name) for name in ("Mia", "Tomas")] == ["Mia's", "Tomas'"]
    mother = Character("Mom", "f", "grown-up", first="his mother")
    assert [mother["intro"], mother["intro"], mother["he"], mother["s"]] == [
        "his mother",
        "Mom",
        "she",
        "Mom's",
    ]
    assert dict(thing("umbrella", "orange"))["a"] == "an orange umbrella"


def all_texts(grammar: Grammar, source: str) -> set[str]:
    texts = set()
    for seed in range(200):
        out: list[str] = []
        render(grammar.inline(source), {"h": {"": "mia", "he": "she"}}, Chance(seed).random, out)
        texts.add("".join(out))
    return texts


def test_choices_nest_and_sections_are_shared() -> None:
    parent = Grammar("greet:\n- hello\n- good\n    morning\n")
    grammar = Grammar("both:\n- <greet> <animal>\n", {"animal": ["cat"]}, parent)
    assert all_texts(grammar, "{a|b{c|}} [^h] [h.he]") == {"a Mia she", "bc Mia she", "b Mia she"}
    assert all_texts(grammar, "<both>") == {"hello cat", "good morning cat"}


@pytest.mark.parametrize("source", ["{a|b", "{a|{b}", "<nowhere>", "[h"])
def test_a_broken_form_is_noticed_when_it_is_compiled(source: str) -> None:
    with pytest.raises(AssertionError):
        Grammar("x:\n- y\n").compile(source)


def test_a_section_may_not_be_defined_twice() -> None:
    with pytest.raises(AssertionError, match="twice"):
        split_sections("a:\n- x\na:\n- y\n")


def test_chance_is_uniform_and_favour_prefers_the_first() -> None:
    chance = Chance(1, 2)
    options = list(range(10))
    even = [chance.pick(options) for _ in range(20_000)]
    skewed = [chance.favour(options) for _ in range(20_000)]
    # The k-th of n has the probability ((k+1)/n)^(2/3) - (k/n)^(2/3).
    for option in options:
        expected = ((option + 1) / 10) ** (2 / 3) - (option / 10) ** (2 / 3)
        deviation = 4 * math.sqrt(20_000 * expected)
        assert abs(skewed.count(option) - 20_000 * expected) < deviation
        assert abs(even.count(option) - 2_000) < 4 * math.sqrt(2_000)


def test_neighbouring_numbers_mix_into_unrelated_ones() -> None:
    values = [mixed(seed, index) for seed in range(50) for index in range(50)]
    assert len(set(values)) == 2_500
    ones = [bin(value).count("1") for value in values]
    assert abs(sum(ones) / len(ones) - 32) < 0.4
