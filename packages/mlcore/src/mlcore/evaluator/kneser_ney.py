"""Interpolated Kneser-Ney n-gram model (Kneser and Ney 1995; Chen and Goodman 1999), vectorised with NumPy.

With c the count of n-gram h w at the highest order, and at lower orders the number of different tokens seen
before it:

    p(w | h) = max(c(h w) - d, 0) / c(h) + d * types(h) / c(h) * p(w | h without its first token)

down to the uniform distribution 1 / V. The discount of each order is n1 / (n1 + 2 n2) (Ney, Essen and Kneser
1994), n1 and n2 being the numbers of n-grams counted once and twice. Every order's n-grams are numbered, so
that an n-gram is one integer, (number of its first n-1 tokens) * V + (last token), whatever n and V are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Grams:
    """All different k-grams of a token stream, sorted by (context, token)."""

    keys: Ints  # context * V + token
    counts: Ints  # how often each occurs
    suffixes: Ints  # number of the (k-1)-gram that remains without the first token


class NgramTable:
    """The different n-grams of `tokens` up to `max_order`, shared by models of several orders."""

    def __init__(self, tokens: ArrayLike, vocab_size: int, max_order: int) -> None:
        self.tokens = _as_tokens(tokens, vocab_size)
        self.vocab_size = vocab_size
        self.grams: list[_Grams] = []
        if not len(self.tokens):
            raise ValueError("an n-gram model needs at least one training token")
        # number of the (k-1)-gram that ends at each position; there is one gram of no tokens
        gram_at = np.zeros(len(self.tokens), dtype=np.int64)
        for order in range(1, max_order + 1):
            contexts = gram_at if order == 1 else gram_at[:-1]
            keys = contexts * vocab_size + self.tokens[order - 1 :]
            if not len(keys):
                break
            unique, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
            suffixes = np.zeros(len(unique), dtype=np.int64)
            suffixes[inverse] = gram_at if order == 1 else gram_at[1:]
            self.grams.append(_Grams(unique, counts, suffixes))
            gram_at = inverse


@dataclass(frozen=True)
class _Level:
    """One order of the interpolation, ready to be looked up."""

    keys: Ints
    kept: Floats  # per k-gram: max(c - d, 0) / c(h)
    escape: Floats  # per context: d * types(h) / c(h); 1 where the context is of no use
    likeliest: Ints  # per context: the most likely next token
    likeliest_probability: Floats


class KneserNey:
    """An interpolated Kneser-Ney model of one order.

    Args:
        tokens: training tokens (N,), or an `NgramTable` of them that reaches `order`.
        vocab_size: V; every token is below it. Not needed with a table.
        order: n; 1 is the (discounted) unigram model.
    """

    def __init__(self, tokens: ArrayLike | NgramTable, *, order: int, vocab_size: int | None = None) -> None:
        if not isinstance(tokens, NgramTable):
            if vocab_size is None:
                raise ValueError("vocab_size is needed with plain tokens")
            tokens = NgramTable(tokens, vocab_size, order)
        self.vocab_size = tokens.vocab_size
        self.order = min(order, len(tokens.grams))
        self._levels: list[_Level] = []
        probabilities = np.full(1, 1.0 / self.vocab_size)  # below the unigrams: the uniform distribution
        for k in range(1, self.order + 1):
            level, probabilities = self._build_level(tokens, k, probabilities)
            self._levels.append(level)

    def _build_level(self, table: NgramTable, k: int, lower: Floats) -> tuple[_Level, Floats]:
        """The level of order k and the probability of each of its k-grams, given those of order k-1."""
        grams = table.grams[k - 1]
        counts = grams.counts
        if k < self.order:  # lower orders count the different tokens before a gram, not its occurrences
            counts = np.bincount(table.grams[k].suffixes, minlength=len(grams.keys))
        contexts = grams.keys // self.vocab_size
        num_contexts = 1 if k == 1 else len(table.grams[k - 2].keys)
        totals = np.bincount(contexts, weights=counts, minlength=num_contexts)
        types = np.bincount(contexts, weights=counts > 0, minlength=num_contexts)
        discount = _discount(counts)
        usable = totals > 0
        escape = np.where(usable, discount * types / np.maximum(totals, 1), 1.0)
        kept = np.maximum(counts - discount, 0) / np.maximum(totals, 1)[contexts]
        probabilities = kept + escape[contexts] * lower[grams.suffixes]
        token, probability = self._likeliest(table, k, contexts, probabilities, escape)
        return _Level(grams.keys, kept, escape, token, probability), probabilities

    def _likeliest(
        self, table: NgramTable, k: int, contexts: Ints, probabilities: Floats, escape: Floats
    ) -> tuple[Ints, Floats]:
        """The most likely token after each context of order k.

        It is either one seen after that context, or the most likely one after the shorter context: any other
        unseen token is less likely than the latter.
        """
        if k == 1:
            token = np.zeros(len(escape), dtype=np.int64)
            best = np.zeros(len(escape))
        else:
            shorter = table.grams[k - 2].suffixes
            token = self._levels[-1].likeliest[shorter].copy()
            best = escape * self._levels[-1].likeliest_probability[shorter]
        starts = np.flatnonzero(np.r_[True, contexts[1:] != contexts[:-1]])  # keys are sorted by context
        seen_contexts, seen_best = contexts[starts], np.maximum.reduceat(probabilities, starts)
        peak = np.zeros(len(escape))
        peak[seen_contexts] = seen_best
        is_peak = np.flatnonzero(probabilities == peak[contexts])
        _, first = np.unique(contexts[is_peak], return_index=True)
        seen_token = table.grams[k - 1].keys[is_peak[first]] % self.vocab_size
        wins = seen_best >= best[seen_contexts]
        token[seen_contexts[wins]] = seen_token[wins]
        best[seen_contexts[wins]] = seen_best[wins]
        return token, best

    def score(self, tokens: ArrayLike) -> tuple[Floats, Ints]:
        """What each token costs after those before it, nats (N,), and the likeliest token there (N,)."""
        ids = _as_tokens(tokens, self.vocab_size)
        probabilities = np.full(len(ids), 1.0 / self.vocab_size)
        predictions = np.zeros(len(ids), dtype=np.int64)
        contexts = np.zeros(len(ids), dtype=np.int64)  # number of each position's context; -1: never seen
        for level in self._levels:
            known = contexts >= 0
            context = contexts[known]
            gram = _find(level.keys, context * self.vocab_size + ids[known])
            kept = np.where(gram >= 0, level.kept[gram], 0.0)
            probabilities[known] = kept + level.escape[context] * probabilities[known]
            predictions[known] = level.likeliest[context]
            gram_at = np.full(len(ids), -1, dtype=np.int64)
            gram_at[known] = gram
            contexts = np.r_[-1, gram_at[:-1]] if len(ids) else contexts
        return -np.log(probabilities), predictions

    def distribution(self, context: ArrayLike) -> Floats:
        """Probability (V,) of every next token after `context` (only its last order-1 tokens matter)."""
        history = _as_tokens(context, self.vocab_size)
        history = history[max(0, len(history) - self.order + 1) :]
        probabilities = np.full(self.vocab_size, 1.0 / self.vocab_size)
        for k, level in enumerate(self._levels, start=1):
            if k - 1 > len(history):
                break
            number = 0
            for depth, token in enumerate(history[len(history) - (k - 1) :]):
                number = int(_find(self._levels[depth].keys, np.array([number * self.vocab_size + token]))[0])
                if number < 0:
                    return probabilities
            bounds = [number * self.vocab_size, (number + 1) * self.vocab_size]
            first, last = np.searchsorted(level.keys, bounds)
            probabilities = probabilities * level.escape[number]
            probabilities[level.keys[first:last] % self.vocab_size] += level.kept[first:last]
        return probabilities


def _discount(counts: Ints) -> float:
    """n1 / (n1 + 2 n2), kept off 0 and 1: tiny corpora too must reserve, and use, some probability."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return min(max(once / (once + 2 * twice), 0.1), 0.9) if once + twice else 0.1


def _find(keys: Ints, wanted: Ints) -> Ints:
    """Index of each wanted key in the sorted `keys`, or -1."""
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[index] == wanted, index, -1)


def _as_tokens(tokens: ArrayLike, vocab_size: int) -> Ints:
    ids = np.asarray(tokens).astype(np.int64).ravel()
    if len(ids) and (ids.min() < 0 or ids.max() >= vocab_size):
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise ValueError(f"token {wrong} is outside the vocabulary of {vocab_size}")
    return ids
