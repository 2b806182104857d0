"""Do inputs and labels belong together, and if not, do they with the labels moved by some positions?

The judge is the rule of the nearest class mean, which needs no training and no model of the subject.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mlcore.sanity.significance import FALSE_ALARM, binomial_tail
from mlcore.sanity.tensor_batches import Examples

OFFSETS = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True)
class Alignment:
    """What the rule of the nearest class mean found.

    Attributes:
        offset: each input belongs with the label that stands so many positions later; None: with none nearby.
        accuracy: of the rule, at that offset (at 0 where there is none).
    """

    offset: int | None
    accuracy: float


def alignment_of(examples: Examples, num_classes: int) -> Alignment:
    """Try the offsets -3 to 3. False-alarm probability below 1e-6 for all together (Bonferroni).

    An offset other than 0 must also beat 0 itself: where the data come sorted by class, all of them fit.
    """
    inputs = examples[0].detach().float().flatten(1).cpu()
    labels = examples[1].cpu()
    hits = {offset: _hits(inputs, labels.roll(-offset), num_classes) for offset in OFFSETS}
    trials = len(labels) // 2
    best = max(OFFSETS, key=lambda offset: hits[offset])
    share = float(torch.bincount(labels, minlength=num_classes).max()) / max(1, len(labels))
    limit = FALSE_ALARM / len(OFFSETS)

    def is_sure(offset: int) -> bool:
        return binomial_tail(hits[offset], trials, share) < limit

    if best != 0 and is_sure(best) and binomial_tail(hits[best], hits[best] + hits[0], 0.5) < limit:
        return Alignment(best, hits[best] / trials)
    return Alignment(0 if is_sure(0) else None, hits[0] / max(1, trials))


def _hits(inputs: torch.Tensor, labels: torch.Tensor, num_classes: int) -> int:
    """Class means of the even examples, right answers among the odd ones."""
    known, asked = slice(0, None, 2), slice(1, 2 * (len(labels) // 2), 2)
    members = torch.nn.functional.one_hot(labels[known], num_classes).float()
    counts = members.sum(dim=0)
    means = (members.T @ inputs[known]) / counts.clamp_min(1)[:, None]
    distances = torch.cdist(inputs[asked], means)
    distances[:, counts == 0] = float("inf")
    return int((distances.argmin(dim=1) == labels[asked]).sum())
