"""A source of tokens whose best possible prediction is known: a Markov chain (Shannon, 1948).

No model can predict its next token better than the chain itself; one that does has seen the answer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MarkovSource:
    """A chain of the first order.

    Attributes:
        transitions: (S, S) probability of the column's token after the row's.
        stationary: (S,) how often each token occurs in the long run.
    """

    transitions: NDArray[np.float64]
    stationary: NDArray[np.float64]

    @classmethod
    def draw(cls, num_states: int, *, seed: int = 0, sharpness: float = 1.5) -> "MarkovSource":
        """A random chain; the sharper, the surer the next token. At 0 all tokens are equally likely.

        Raises:
            ValueError: fewer than two states.
        """
        if num_states < 2:
            raise ValueError(f"num_states is {num_states}; 2 is the least")
        generator = np.random.Generator(np.random.PCG64(seed))
        weights = np.exp(sharpness * generator.standard_normal((num_states, num_states)))
        transitions = weights / weights.sum(axis=1, keepdims=True)
        # The left eigenvector of the eigenvalue 1, by repeated application: all entries are positive, so it converges.
        stationary = np.linalg.matrix_power(transitions, 512)[0]
        return cls(transitions, stationary / stationary.sum())

    @property
    def num_states(self) -> int:
        """Size of the vocabulary."""
        return len(self.stationary)

    @property
    def bayes_loss(self) -> float:
        """The chain's entropy rate, nats per token: the smallest loss that any predictor can have."""
        return float(-(self.stationary[:, None] * self.transitions * np.log(self.transitions)).sum())

    @property
    def bayes_accuracy(self) -> float:
        """The largest share of tokens that any predictor can name."""
        return float((self.stationary * self.transitions.max(axis=1)).sum())

    @property
    def unigram_entropy(self) -> float:
        """Loss of who knows frequencies alone, nats per token."""
        return float(-(self.stationary * np.log(self.stationary)).sum())

    @property
    def gap_accuracy(self) -> float:
        """The largest share of gaps that anyone can fill rightly who sees both neighbours.

        Given those, nothing further away says more: P(b | a, c) is proportional to P(b | a) · P(c | b).
        """
        return float(self._joint_of_three().max(axis=1).sum())

    @property
    def gap_loss(self) -> float:
        """The smallest loss of who fills such gaps, nats per token."""
        joint = self._joint_of_three()
        return float(-(joint * np.log(joint / joint.sum(axis=1, keepdims=True))).sum())

    def _joint_of_three(self) -> NDArray[np.float64]:
        """(S, S, S) how often a, b and c follow one another."""
        return self.stationary[:, None, None] * self.transitions[:, :, None] * self.transitions[None, :, :]

    def sample(self, num_tokens: int, *, seed: int) -> NDArray[np.uint16]:
        """(num_tokens,) a stretch of the chain that begins in its long run."""
        generator = np.random.Generator(np.random.PCG64(seed))
        cumulative = self.transitions.cumsum(axis=1)
        draws = generator.random(num_tokens)
        tokens = np.empty(num_tokens, dtype=np.uint16)
        state = int(np.searchsorted(self.stationary.cumsum(), generator.random() * (1 - 1e-12)))
        for position, draw in enumerate(draws):
            state = min(int(np.searchsorted(cumulative[state], draw, side="right")), self.num_states - 1)
            tokens[position] = state
        return tokens

    def nats(self, inputs: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each target costs the chain itself after its input, in nats."""
        return -np.log(self.transitions[inputs, targets])
