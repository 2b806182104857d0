"""Training of byte-level BPE (Sennrich et al., 2016; over bytes as in GPT-2, 2019).

The `tokenizers` library cuts the text into words; the merges are chosen here. Its own trainer breaks ties
between equally frequent pairs by the ids that tokens happened to get, which depends on history; ours takes
the pair whose bytes are greater, so that the result is a function of the word counts alone.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import total_ordering
from itertools import pairwise

Pair = tuple[int, int]


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each pre-token of GPT-2's pattern occurs, written in the printable byte alphabet."""
    from tokenizers.pre_tokenizers import ByteLevel

    cut = ByteLevel(add_prefix_space=False).pre_tokenize_str
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update([word for word, _ in cut(text)])
    return counts


@total_ordering
class _Candidate:
    """A pair in the heap: the most frequent first, among equals the one with the greater bytes."""

    __slots__ = ("bytes_pair", "count", "pair")

    def __init__(self, count: int, pair: Pair, tokens: list[bytes]) -> None:
        self.count = count
        self.pair = pair
        self.bytes_pair = (tokens[pair[0]], tokens[pair[1]])

    def __lt__(self, other: "_Candidate") -> bool:
        return (self.count, self.bytes_pair) > (other.count, other.bytes_pair)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Candidate) and (self.count, self.pair) == (other.count, other.pair)


class _Corpus:
    """The distinct words as token ids, the counts of all adjacent pairs, and where each pair occurs."""

    def __init__(self, word_counts: dict[bytes, int]) -> None:
        self.words = [list(word) for word in word_counts]
        self.counts = list(word_counts.values())
        self.pair_counts: defaultdict[Pair, int] = defaultdict(int)
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)
        for index, (word, count) in enumerate(zip(self.words, self.counts, strict=True)):
            for pair in pairwise(word):
                self.pair_counts[pair] += count
                self.places[pair].add(index)

    def merge(self, pair: Pair, new_id: int) -> set[Pair]:
        """Replace `pair` by `new_id` in every word; return the pairs whose counts changed."""
        changed: set[Pair] = set()
        for index in self.places.pop(pair):
            old, count = self.words[index], self.counts[index]
            new = _replace(old, pair, new_id)
            self.words[index] = new
            for gone in pairwise(old):
                self.pair_counts[gone] -= count
                changed.add(gone)
            for come in pairwise(new):
                self.pair_counts[come] += count
                self.places[come].add(index)
                changed.add(come)
        self.pair_counts.pop(pair, None)
        changed.discard(pair)
        return changed


def _replace(word: list[int], pair: Pair, new_id: int) -> list[int]:
    first, second = pair
    merged: list[int] = []
    position, last = 0, len(word) - 1
    while position <= last:
        if position < last and word[position] == first and word[position + 1] == second:
            merged.append(new_id)
            position += 2
        else:
            merged.append(word[position])
            position += 1
    return merged


def train_merges(word_counts: dict[bytes, int], num_merges: int) -> list[tuple[bytes, bytes]]:
    """The first `num_merges` merges (fewer if the words run out of pairs that occur twice or more).

    Each step merges the most frequent adjacent pair of tokens within words; ties go to the pair whose two
    byte strings are greater in lexicographic order. Counts are kept up to date in the words that hold the
    merged pair alone.
    """
    tokens = [bytes([byte]) for byte in range(256)]
    corpus = _Corpus(word_counts)
    heap = [_Candidate(count, pair, tokens) for pair, count in corpus.pair_counts.items()]
    heapq.heapify(heap)
    merges: list[tuple[bytes, bytes]] = []
    while heap and len(merges) < num_merges:
        best = heapq.heappop(heap)
        if corpus.pair_counts.get(best.pair, 0) != best.count:
            continue  # an older count of this pair: the current one has its own place in the heap
        if best.count < 2:
            break
        merges.append(best.bytes_pair)
        tokens.append(best.bytes_pair[0] + best.bytes_pair[1])
        for pair in corpus.merge(best.pair, len(tokens) - 1):
            if corpus.pair_counts[pair] > 0:
                heapq.heappush(heap, _Candidate(corpus.pair_counts[pair], pair, tokens))
    return merges
