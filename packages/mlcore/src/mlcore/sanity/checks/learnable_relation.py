"""Does a short real training tell held-out examples apart, and by their right names?"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mlcore.sanity.bench import Bench, accuracy_of, first, logits_of
from mlcore.sanity.check_result import Finding, skip
from mlcore.sanity.checks.position_shift import Alignment, alignment_of
from mlcore.sanity.checks.relabelling import confusion_matrix, describe_relabelling, recognised_classes
from mlcore.sanity.fitting import Fit, fits
from mlcore.sanity.significance import FALSE_ALARM, binomial_tail

EXPECTED = "held-out accuracy surely above chance (p < 1e-6), most classes recognised by their own names"
BATCH_SIZE = 64
# No need to train on once so many of the first held-out examples are right.
LOOK_EVERY, NUM_LOOKED_AT, GOOD = 50, 512, 0.9
# A model that is right this often has itself as the most frequent answer for at least so many classes. One that
# has only begun to learn still takes some for others, and nothing follows from it.
WELL_TRAINED, LEAST_RECOGNISED = 0.5, 0.8


@dataclass(frozen=True)
class _Judgement:
    """One training, judged on held-out examples."""

    attempt: Fit
    confusion: Tensor
    relabelling: str | None

    @property
    def accuracy(self) -> float:
        return float(self.confusion.diagonal().sum() / self.confusion.sum())

    @property
    def chance(self) -> float:
        """The accuracy of always giving the most frequent class."""
        return float(self.confusion.sum(dim=1).max() / self.confusion.sum())

    @property
    def beats_chance(self) -> bool:
        right, total = int(self.confusion.diagonal().sum()), int(self.confusion.sum())
        return binomial_tail(right, total, self.chance) < FALSE_ALARM

    @property
    def says_something(self) -> bool:
        """Whether another learning rate could not change the verdict."""
        return self.beats_chance or self.relabelling is not None


def check(bench: Bench) -> Finding:
    """False-alarm probability below 1e-6 for being at chance and for each kind of relabelling."""
    judgement = _train_and_judge(bench)
    attempt, confusion = judgement.attempt, judgement.confusion
    recognised = [one for one in recognised_classes(confusion) if one is not None]
    measured = (
        f"{judgement.accuracy:.1%} of {int(confusion.sum())} held-out examples after {attempt.steps} updates"
        f"{attempt.rate_note} (chance {judgement.chance:.1%}), {sum(recognised)} of {len(recognised)} classes "
        "recognised"
    )
    details = {"accuracy": judgement.accuracy, "chance": judgement.chance, "confusion": confusion.tolist()}
    if judgement.relabelling is not None:
        # In data stored class by class in turn, labels that moved by a position look like other classes.
        problem = _moved_labels(*_alignments(bench)) or judgement.relabelling
        return Finding(measured, EXPECTED, (problem,), details)
    if not judgement.beats_chance and attempt.end == "out of time":
        return skip(f"time was up after {attempt.steps} updates", EXPECTED)
    if not judgement.beats_chance:
        return Finding(measured, EXPECTED, (_why_at_chance(bench, attempt),), details)
    is_trained = judgement.accuracy >= WELL_TRAINED and attempt.end != "out of time"
    if is_trained and sum(recognised) < LEAST_RECOGNISED * len(recognised):
        return Finding(measured, EXPECTED, (_unrecognised(bench, confusion),), details)
    return Finding(measured, EXPECTED, (), details)


def _train_and_judge(bench: Bench) -> _Judgement:
    """At the configured rate, and at others only where nothing at all was learnt."""
    judgements = []
    options = {"steps": bench.effort.relation_steps, "batch_size": BATCH_SIZE, "look_every": LOOK_EVERY}
    few = first(bench.held_out, NUM_LOOKED_AT)
    for attempt in fits(
        bench, bench.fitting, goal=lambda trainer: accuracy_of(trainer, few) >= GOOD, **options
    ):
        judgements.append(_judge(bench, attempt))
        if judgements[-1].says_something:
            return judgements[-1]
    late = judgements[-1].attempt.end == "out of time"
    return judgements[-1] if late else judgements[0]


def _judge(bench: Bench, attempt: Fit) -> _Judgement:
    inputs, labels = bench.held_out
    subject = bench.subject
    predicted = logits_of(attempt.trainer, inputs).argmax(dim=1)
    confusion = confusion_matrix(labels.cpu(), predicted, subject.num_classes)
    names = [subject.class_name(number) for number in range(subject.num_classes)]
    return _Judgement(attempt, confusion, describe_relabelling(confusion, names))


def _unrecognised(bench: Bench, confusion: Tensor) -> str:
    missed = [
        f"{bench.subject.class_name(number)} (taken for {bench.subject.class_name(int(confusion[number].argmax()))})"
        for number, is_recognised in enumerate(recognised_classes(confusion))
        if is_recognised is False
    ]
    return f"most examples of classes {', '.join(missed[:5])} get other names: look at these labels"


def _why_at_chance(bench: Bench, attempt: Fit) -> str:
    """What a rule that needs no training finds in the same data."""
    if attempt.end == "diverged":
        return "training diverges: lower the learning rate, clip gradients, see the normalisation"
    training, validation = _alignments(bench)
    moved = _moved_labels(training, validation)
    if moved:
        return moved
    if (training.offset, validation.offset) == (0, None):
        return (
            "inputs and labels of the validation data do not belong together; those of the training data do"
        )
    if (training.offset, validation.offset) == (None, 0):
        return (
            "inputs and labels of the training data do not belong together; those of the validation data do"
        )
    if training.offset is None:
        return "no relation between inputs and labels was found: do they belong together, in the same order?"
    fitted = accuracy_of(attempt.trainer, first(bench.fitting, 1000))
    if fitted > max(0.5, 2 / bench.subject.num_classes):
        return (
            f"the model is right in {fitted:.0%} of its training examples: the two pipelines deliver different "
            "things, compare their transforms and orders of classes"
        )
    return (
        f"the data can be learnt (the nearest class mean is right in {validation.accuracy:.0%}) but this model does "
        "not: see gradients, learning rate and initial outputs"
    )


def _alignments(bench: Bench) -> tuple[Alignment, Alignment]:
    """Of the training data and of the held-out data."""
    num_classes = bench.subject.num_classes
    return alignment_of(bench.ordered, num_classes), alignment_of(bench.held_out, num_classes)


def _moved_labels(training: Alignment, validation: Alignment) -> str:
    """A sentence for each split whose labels have moved; empty where they have not."""
    return "; ".join(
        f"labels of the {name} data are shifted by {_positions(found)} against the inputs (a rule without "
        f"training is right in {found.accuracy:.0%} after moving them back)"
        for name, found in (("training", training), ("validation", validation))
        if found.offset
    )


def _positions(found: Alignment) -> str:
    assert found.offset is not None
    number = abs(found.offset)
    return f"{number} position{'s' if number > 1 else ''} {'back' if found.offset > 0 else 'forward'}"
