"""Does evaluating give the same answer twice, and leave the model as it was?"""

from __future__ import annotations

import torch

from mlcore.sanity.bench import Bench, first, logits_of
from mlcore.sanity.check_result import Finding

EXPECTED = "two evaluations give equal outputs; weights and running statistics stay as they are"
NUM_EXAMPLES = 128
# Between two equal computations: none on a CPU; on other devices sums may be taken in another order.
TOLERANCE = 1e-5


def check(bench: Bench) -> Finding:
    """No statistics: a false alarm needs a device that is wrong by more than 1e-5 of the outputs' range."""
    trainer = bench.make_trainer()
    examples = first(bench.held_out, NUM_EXAMPLES)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    outputs = [logits_of(trainer, examples[0]) for _ in range(2)]
    changed = [
        name for name, value in trainer.model.state_dict().items() if not torch.equal(value, before[name])
    ]
    difference = float((outputs[0] - outputs[1]).abs().max())
    scale = float(outputs[0].max() - outputs[0].min())
    problems = []
    if difference > TOLERANCE * scale:
        problems.append(
            "outputs are random in evaluation mode: is dropout applied without looking at self.training?"
        )
    if changed:
        names = ", ".join(changed[:3])
        problems.append(f"evaluation changed {names}: a normalisation layer stays in training mode")
    measured = f"largest difference {difference:.1e}, {len(changed)} tensors changed"
    return Finding(measured, EXPECTED, tuple(problems), {"difference": difference, "changed": changed})
