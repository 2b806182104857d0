"""An offline judge: measurements of a text that need no model, as a column of their own.

They say whether a text is made of known words in a familiar order, in finished sentences, without loops. They
cannot say whether it makes sense, and are never mixed with the scores of the Claude judge.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlcore.evaluator.word_list import WordList, split_sentences, split_words

if TYPE_CHECKING:
    from mlcore.evaluator.samples import Sample

OVERALL = (
    "product of the dictionary rate, the familiar-pair rate, 1 - repetition rate, and the sentence rate; "
    "a rate that needs a word list nobody gave is left out; a text without words scores 0"
)
_REPETITION_LENGTH = 4  # four words in a row twice is rare in stories and certain in loops
_ENDS = (".", "!", "?", "…")
_CLOSERS = "\"”’')]"
_OPENERS = "\"“‘'(["


@dataclass(frozen=True)
class HeuristicScores:
    """Measurements of one text; a rate is None where it is not defined (no words, or no word list).

    Attributes:
        distinct_1, distinct_2, distinct_3: different n-grams of words / n-grams (Li et al. 2016).
        repetition_rate: share of 4-grams of words that already stood earlier in the text.
        longest_repeat: length in words of the longest stretch that occurs twice.
        dictionary_rate: share of words in the word list.
        familiar_pair_rate: share of pairs of neighbouring words that occur in the training text.
        sentence_rate: share of sentences that begin with a capital letter and end with . ! ? or …, closing
            quotes allowed. The first sentence may begin in the middle, for it continues the prompt.
        mean_sentence_words: words a sentence. num_words: words in the text.
        quotes_balanced: whether double quotation marks pair up (prompt included).
        overall: in [0, 1]; see `OVERALL`.
    """

    num_words: int
    distinct_1: float | None
    distinct_2: float | None
    distinct_3: float | None
    repetition_rate: float
    longest_repeat: int
    dictionary_rate: float | None
    familiar_pair_rate: float | None
    sentence_rate: float
    mean_sentence_words: float | None
    quotes_balanced: bool
    overall: float


@dataclass(frozen=True)
class HeuristicReport:
    """Means over the samples (of those where a measurement is defined), and every sample's own scores."""

    num_samples: int
    means: dict[str, float | None]
    overall_sd: float | None
    per_sample: tuple[HeuristicScores, ...]
    method: str = OVERALL

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class HeuristicJudge:
    """Measures texts without any model.

    Args:
        dictionary: a `WordList` of the training text, or plain words (then the order of words is not judged).
    """

    def __init__(self, dictionary: WordList | Iterable[str] | None = None) -> None:
        if dictionary is not None and not isinstance(dictionary, WordList):
            dictionary = WordList(frozenset(word.lower() for word in dictionary))
        self.dictionary = dictionary

    def judge(self, samples: Sequence[Sample]) -> HeuristicReport:
        """Scores of every sample and their means."""
        scores = tuple(self.judge_text(sample.text, prompt=sample.prompt) for sample in samples)
        names = list(HeuristicScores.__dataclass_fields__)
        means = {name: _mean([getattr(score, name) for score in scores]) for name in names}
        return HeuristicReport(len(scores), means, _sd([score.overall for score in scores]), scores)

    def judge_text(self, text: str, *, prompt: str = "") -> HeuristicScores:
        """Scores of one text. With a `prompt`, the text is what follows it."""
        words = split_words(text)
        sentences = split_sentences(text)
        repetition = 1 - (_distinct(words, _REPETITION_LENGTH) or 1.0) if words else 0.0
        dictionary_rate, pair_rate = self._known(words, sentences)
        sentence_rate = _sentence_rate(sentences, continues=bool(prompt))
        rates = [dictionary_rate, pair_rate, 1 - repetition, sentence_rate]
        return HeuristicScores(
            num_words=len(words),
            distinct_1=_distinct(words, 1),
            distinct_2=_distinct(words, 2),
            distinct_3=_distinct(words, 3),
            repetition_rate=repetition,
            longest_repeat=_longest_repeat(words),
            dictionary_rate=dictionary_rate,
            familiar_pair_rate=pair_rate,
            sentence_rate=sentence_rate,
            mean_sentence_words=len(words) / len(sentences) if sentences else None,
            quotes_balanced=_quotes_balanced(prompt + text),
            overall=math.prod(rate for rate in rates if rate is not None) if words else 0.0,
        )

    def _known(self, words: list[str], sentences: list[str]) -> tuple[float | None, float | None]:
        """Shares of known words and of known pairs of neighbours."""
        if self.dictionary is None or not words:
            return None, None
        dictionary_rate = sum(word in self.dictionary.words for word in words) / len(words)
        if not self.dictionary.pairs:
            return dictionary_rate, None
        pairs = [pair for sentence in sentences for pair in pairwise(split_words(sentence))]
        if not pairs:
            return dictionary_rate, None
        return dictionary_rate, sum(pair in self.dictionary.pairs for pair in pairs) / len(pairs)


def _grams(words: list[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]


def _distinct(words: list[str], length: int) -> float | None:
    grams = _grams(words, length)
    return len(set(grams)) / len(grams) if grams else None


def _longest_repeat(words: list[str]) -> int:
    """Longest n for which some n-gram occurs twice; if one of n does, so does one of n-1: bisection."""
    low, high = 0, max(0, len(words) - 1)
    while low < high:
        middle = (low + high + 1) // 2
        repeated = Counter(_grams(words, middle)).most_common(1)[0][1] > 1
        low, high = (middle, high) if repeated else (low, middle - 1)
    return low


def _sentence_rate(sentences: list[str], *, continues: bool) -> float:
    if not sentences:
        return 0.0
    proper = 0
    for number, sentence in enumerate(sentences):
        start = sentence.lstrip(_OPENERS + _CLOSERS + "—-–, ")[:1]
        begins = (continues and number == 0) or start.isupper() or start.isdigit()
        proper += begins and sentence.rstrip(_CLOSERS).endswith(_ENDS)
    return proper / len(sentences)


def _quotes_balanced(text: str) -> bool:
    return text.count('"') % 2 == 0 and text.count("“") == text.count("”")


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [float(value) for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None


def _sd(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
