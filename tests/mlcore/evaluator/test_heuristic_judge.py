"""The offline judge tells stories from shuffled words, loops and noise, and each of its measurements is
right.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.evaluator.heuristic_judge import HeuristicJudge
from mlcore.evaluator.samples import Sample
from mlcore.evaluator.word_list import WordList, split_sentences, split_words

STORY = (
    "Lily had a red ball. She liked to play with it in the garden. One day the ball rolled under a big bush. "
    'Lily was sad. "Do not cry," said her brother. He took a long stick and pushed the ball out. Lily smiled '
    "and gave him a hug. They played until the sun went down."
)


def shuffled_words(text: str) -> str:
    words = text.split()
    random.Random(len(text)).shuffle(words)
    return " ".join(words)


def shuffled_words_in_proper_sentences(text: str) -> str:
    """Every sentence keeps its length, its capital and its full stop: only the order gives it away."""
    lengths = [len(sentence.split()) for sentence in re.findall(r"[^.!?]+", text) if sentence.strip()]
    words = re.sub(r"[.!?\"]", " ", text).split()
    random.Random(len(text)).shuffle(words)
    sentences = []
    for length in lengths:
        sentences.append(" ".join(words[:length]).capitalize() + ".")
        words = words[length:]
    return " ".join(sentences)


def loop(text: str) -> str:
    sentence = text.split(". ")[0] + ". "
    return sentence * max(4, len(text) // len(sentence))


def noise(text: str) -> str:
    rng = random.Random(len(text))
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz    ,.") for _ in text)


SPOILERS = [shuffled_words, shuffled_words_in_proper_sentences, loop, noise]


@pytest.fixture(scope="module")
def stories(data_dir: Path) -> dict[str, list[str]]:
    return {
        split: [
            story.strip()
            for story in (data_dir / "tinystories" / f"{split}.txt").read_text("utf-8").split("<|endoftext|>")
            if story.strip()
        ]
        for split in ("train", "validation")
    }


@pytest.fixture(scope="module")
def trained_judge(stories: dict[str, list[str]]) -> HeuristicJudge:
    return HeuristicJudge(WordList.from_texts(stories["train"]))


@pytest.mark.data
@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_every_real_story_scores_above_every_spoilt_one(
    spoil: Callable[[str], str], stories: dict[str, list[str]], trained_judge: HeuristicJudge
) -> None:
    held_out = stories["validation"]
    assert len(held_out) == 432
    real = [trained_judge.judge_text(story).overall for story in held_out]
    spoilt = [trained_judge.judge_text(spoil(story)).overall for story in held_out]
    assert sum(a > b for a, b in zip(real, spoilt, strict=True)) == len(held_out)
    assert (
        sorted(real)[len(real) // 20] > sorted(spoilt)[-len(spoilt) // 20]
    )  # 5 % quantile over 95 % quantile
    assert 0 <= min(spoilt) <= max(real) <= 1


@pytest.mark.data
def test_the_halves_of_held_out_stories_score_alike(
    stories: dict[str, list[str]], trained_judge: HeuristicJudge
) -> None:
    first, second = stories["validation"][::2], stories["validation"][1::2]
    means = [
        sum(trained_judge.judge_text(story).overall for story in half) / len(half) for half in (first, second)
    ]
    assert abs(means[0] - means[1]) < 0.02
    assert min(means) > 0.8


@pytest.mark.parametrize(
    "dictionary", [None, WordList.from_texts([STORY])], ids=["no word list", "word list"]
)
@pytest.mark.parametrize("spoil", [shuffled_words, loop, noise], ids=lambda spoil: spoil.__name__)
def test_a_hand_made_story_beats_its_spoilt_versions_with_and_without_a_word_list(
    spoil: Callable[[str], str], dictionary: WordList | None
) -> None:
    judge = HeuristicJudge(dictionary)
    assert judge.judge_text(STORY).overall > 0.9
    assert judge.judge_text(spoil(STORY)).overall < 0.5


def test_distinct_n_and_repetition_are_counted_by_hand() -> None:
    scores = HeuristicJudge().judge_text("The cat sat down. The cat sat down.")
    assert scores.num_words == 8
    assert scores.distinct_1 == 4 / 8
    assert scores.distinct_2 == 4 / 7
    assert scores.distinct_3 == 4 / 6
    assert scores.repetition_rate == pytest.approx(1 / 5)
    assert scores.longest_repeat == 4
    assert scores.mean_sentence_words == 4


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_repeat_equals_that_of_trying_every_length(words: list[str]) -> None:
    expected = 0
    for length in range(1, len(words)):
        grams = [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]
        if len(set(grams)) < len(grams):
            expected = length
    assert HeuristicJudge().judge_text(" ".join(words)).longest_repeat == expected


def test_the_dictionary_and_pair_rates_are_shares_of_the_words_and_of_the_neighbours() -> None:
    judge = HeuristicJudge(WordList.from_texts(["The cat sat. It ran."]))
    scores = judge.judge_text("The cat ran. It sat quickly.")
    assert scores.dictionary_rate == pytest.approx(5 / 6)
    assert scores.familiar_pair_rate == pytest.approx(1 / 4)  # "the cat"; never across the full stop
    assert scores.overall == pytest.approx(5 / 6 * 1 / 4)


def test_plain_words_give_a_dictionary_rate_and_no_pair_rate() -> None:
    scores = HeuristicJudge(["The", "cat"]).judge_text("The CAT flew.")
    assert scores.dictionary_rate == pytest.approx(2 / 3)
    assert scores.familiar_pair_rate is None


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("A dog ran. It sat.", 1.0),
        ("A dog ran. it sat.", 0.5),
        ("A dog ran. It", 0.5),
        ("a dog ran", 0.0),
        ('"Run!" said Tom. "I will."', 2 / 3),  # 'said Tom.' goes on after the quotation
        ("“Run!” He ran…", 1.0),
        ("", 0.0),
        ("...", 0.0),
    ],
)
def test_sentences_count_when_they_begin_and_end_properly(text: str, rate: float) -> None:
    assert HeuristicJudge().judge_text(text).sentence_rate == pytest.approx(rate)


def test_the_first_sentence_may_continue_the_prompt() -> None:
    judge = HeuristicJudge()
    assert judge.judge_text(" went home. He slept.", prompt="The dog").sentence_rate == 1.0
    assert judge.judge_text(" went home. he slept.", prompt="The dog").sentence_rate == 0.5


@pytest.mark.parametrize(
    ("prompt", "text", "balanced"),
    [
        ("", '"Yes," he said.', True),
        ("", '"Yes, he said.', False),
        ('He said, "', 'yes."', True),
        ('He said, "', "yes.", False),
        ("", "“Yes,” he said.", True),
        ("", "“Yes, he said.", False),
        ("", "It's Tom's.", True),
    ],
)
def test_quotation_marks_pair_up_over_prompt_and_text(prompt: str, text: str, balanced: bool) -> None:
    assert HeuristicJudge().judge_text(text, prompt=prompt).quotes_balanced is balanced


@pytest.mark.parametrize("text", ["", "   ", "...", "\x00\ud800", "!!! ???"])
def test_a_text_without_words_scores_zero_and_has_no_rates(text: str) -> None:
    scores = HeuristicJudge(WordList.from_texts([STORY])).judge_text(text)
    assert scores.overall == 0.0
    assert scores.dictionary_rate is None
    assert scores.distinct_1 is None


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=20))
def test_any_text_has_an_overall_score_between_zero_and_one(text: str, prompt: str) -> None:
    scores = HeuristicJudge(WordList.from_texts([STORY])).judge_text(text, prompt=prompt)
    assert 0.0 <= scores.overall <= 1.0
    assert 0.0 <= scores.repetition_rate <= 1.0


def test_the_report_averages_what_is_defined_and_is_plain_json() -> None:
    texts = ["A dog ran.", "", "dog dog"]
    samples = [Sample(prompt="", text=text, num_tokens=0, ended=True, seed=0) for text in texts]
    report = HeuristicJudge().judge(samples)
    assert report.num_samples == 3
    assert report.means["num_words"] == pytest.approx(5 / 3)
    assert report.means["distinct_1"] == pytest.approx((1 + 0.5) / 2)
    assert report.means["quotes_balanced"] == 1.0
    assert report.means["dictionary_rate"] is None
    json.dumps(report.as_dict(), allow_nan=False)
    assert HeuristicJudge().judge([]).means["overall"] is None


def test_words_keep_their_apostrophes_and_sentences_their_quotes() -> None:
    assert split_words("Don't stop, mother-in-law’s 3 cats!") == [
        "don't",
        "stop",
        "mother-in-law's",
        "3",
        "cats",
    ]
    assert split_sentences('He ran. "Stop!" Then') == ["He ran.", '"Stop!"', "Then"]


def test_rare_words_and_pairs_can_be_left_out_of_the_word_list() -> None:
    words = WordList.from_texts(["A dog ran.", "A dog sat."], min_count=2)
    assert words.words == {"a", "dog"}
    assert words.pairs == {("a", "dog")}


def test_a_word_list_reads_no_more_than_it_is_told() -> None:
    texts = iter(["One two. ", "three four five", "six"])
    known = WordList.from_texts(texts, max_characters=len("One two. three"))
    assert known.words == {"one", "two", "three"}
    assert next(texts) == "six"
