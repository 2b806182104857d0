"""Does the model learn a few examples, 128 of them, by heart?"""

from __future__ import annotations

from mlcore.sanity.bench import Bench, accuracy_of, first
from mlcore.sanity.check_result import Finding, skip
from mlcore.sanity.fitting import first_to_reach, fits

BATCH_SIZE = 16
# 127 of 128: real data sets hold examples that contradict one another.
ENOUGH = 0.99
ADVICE = (
    "the model cannot learn so few examples by heart: see gradients, learning rate and the model's last layer; "
    "or it is too small for them"
)


def check(bench: Bench) -> Finding:
    """No statistics. Evaluated without dropout; regularisation is off (see ``plain_training``)."""
    num_epochs = bench.effort.overfit_epochs
    examples = first(bench.fitting, bench.effort.overfit_examples)
    number = len(examples[1])
    steps_per_epoch = -(-number // BATCH_SIZE)
    expected = f"{ENOUGH:.0%} of {number} training examples right in fewer than {num_epochs} epochs"
    best = first_to_reach(
        fits(
            bench,
            examples,
            steps=(num_epochs - 1) * steps_per_epoch,
            batch_size=BATCH_SIZE,
            goal=lambda trainer: accuracy_of(trainer, examples) >= ENOUGH,
            look_every=steps_per_epoch,
        )
    )
    if best.end == "out of time":
        return skip(f"time was up after {best.steps} updates", expected)
    accuracy = accuracy_of(best.trainer, examples)
    epochs = best.steps / steps_per_epoch
    measured = f"{accuracy:.1%} after {epochs:.0f} epochs{best.rate_note}"
    problems = () if best.end == "reached" else (ADVICE,)
    details = {"accuracy": accuracy, "epochs": epochs, "end": best.end, "rate_factor": best.rate_factor}
    return Finding(measured, expected, problems, details)
