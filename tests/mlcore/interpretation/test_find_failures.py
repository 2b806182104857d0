"""The mistakes worth looking at, in the order that NumPy and SciPy find."""

import json

import numpy as np
import pytest
import torch
from mlcore.errors import UserError
from mlcore.interpretation import InterpretationError, find_failures, hardest, least_confident_correct
from scipy.special import log_softmax, softmax
from torch import Tensor


@pytest.fixture
def judged() -> tuple[Tensor, Tensor]:
    """Logits (400, 7) that are right about half of the time, and targets."""
    generator = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(400, 7, generator=generator)
    targets = logits.argmax(1)
    wrong = torch.rand(400, generator=generator) < 0.5
    return logits, torch.where(wrong, torch.randint(7, (400,), generator=generator), targets)


def test_mistakes_come_in_the_order_of_their_confidence(judged: tuple[Tensor, Tensor]) -> None:
    logits, targets = judged
    probabilities = softmax(logits.double().numpy(), axis=1)
    predicted = probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != targets.numpy())
    expected = wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:25]
    found = find_failures(logits, targets)
    assert found.positions.tolist() == expected.tolist()
    assert found.predicted.tolist() == predicted[expected].tolist()
    assert found.true.tolist() == targets[expected].tolist()
    np.testing.assert_allclose(found.confidence, probabilities[expected].max(1), rtol=1e-12)
    assert (len(found), found.num_found, found.num_samples) == (25, len(wrong), 400)


def test_loss_and_margin_are_those_of_scipy(judged: tuple[Tensor, Tensor]) -> None:
    logits, targets = judged
    found = find_failures(logits, targets, num=400)
    rows, true = found.positions.numpy(), found.true.numpy()
    losses = -log_softmax(logits.double().numpy(), axis=1)[rows, true]
    np.testing.assert_allclose(found.loss, losses, rtol=1e-12)
    probabilities = softmax(logits.double().numpy(), axis=1)[rows]
    of_true = probabilities[np.arange(len(rows)), true]
    probabilities[np.arange(len(rows)), true] = -1
    np.testing.assert_allclose(found.margin, of_true - probabilities.max(1), rtol=1e-12)
    assert (found.margin < 0).all()


def test_the_hardest_have_the_largest_losses_of_all(judged: tuple[Tensor, Tensor]) -> None:
    logits, targets = judged
    losses = torch.nn.functional.cross_entropy(logits.double(), targets, reduction="none")
    found = hardest(logits, targets, num=10)
    assert found.positions.tolist() == losses.argsort(descending=True)[:10].tolist()
    assert found.num_found == 400


def test_the_least_confident_right_ones_are_right_and_unsure(judged: tuple[Tensor, Tensor]) -> None:
    logits, targets = judged
    probabilities = softmax(logits.double().numpy(), axis=1)
    right = np.flatnonzero(probabilities.argmax(1) == targets.numpy())
    expected = right[np.argsort(probabilities[right].max(1), kind="stable")][:10]
    found = least_confident_correct(logits, targets, num=10)
    assert found.positions.tolist() == expected.tolist()
    assert (found.margin > 0).all()


def test_certainties_that_float32_cannot_tell_apart_keep_their_order() -> None:
    logits = torch.zeros(4, 3)
    logits[:, 0] = torch.tensor([20.0, 23.0, 18.0, 25.0])
    assert (logits.softmax(1)[[0, 1, 3], 0] == 1).all()
    found = find_failures(logits, torch.tensor([1, 1, 2, 1]))
    assert found.positions.tolist() == [3, 1, 0, 2]


def test_equally_confident_mistakes_stay_in_the_order_of_their_rows() -> None:
    logits = torch.tensor([[2.0, 0.0]]).repeat(50, 1)
    assert find_failures(logits, torch.ones(50, dtype=torch.int64), num=50).positions.tolist() == list(
        range(50)
    )


def test_a_classifier_without_mistakes_has_no_failures() -> None:
    found = find_failures(torch.eye(5), torch.arange(5))
    assert len(found) == 0
    assert (found.num_found, found.num_samples) == (0, 5)
    assert found.as_dicts() == []


def test_failures_become_plain_dictionaries(judged: tuple[Tensor, Tensor]) -> None:
    names = [f"class {number}" for number in range(7)]
    found = find_failures(*judged, num=3)
    rows = json.loads(json.dumps(found.as_dicts(names)))
    assert [row["position"] for row in rows] == found.positions.tolist()
    assert rows[0]["true"] == names[int(found.true[0])]
    assert rows[0]["predicted"] == names[int(found.predicted[0])]
    assert found.as_dicts()[0]["true"] == int(found.true[0])


def test_half_precision_logits_that_need_a_gradient_are_taken(judged: tuple[Tensor, Tensor]) -> None:
    logits = judged[0].bfloat16().requires_grad_()
    expected = find_failures(logits.detach().double(), judged[1])
    assert find_failures(logits, judged[1]).positions.tolist() == expected.positions.tolist()


@pytest.mark.parametrize(
    ("logits", "targets", "num", "message"),
    [
        (torch.zeros(3), torch.zeros(3).long(), 25, r"logits must be .*got \(3,\)"),
        (torch.zeros(3, 2), torch.zeros(4).long(), 25, r"3 rows of logits need as many targets; got \(4,\)"),
        (torch.zeros(3, 2), torch.tensor([0, 1, 2]), 25, "target 2 of row 2 is outside 0 to 1"),
        (torch.zeros(3, 2), torch.tensor([0, -100, 1]), 25, "target -100 of row 1"),
        (torch.tensor([[0.0, 1.0], [0.0, float("nan")]]), torch.zeros(2).long(), 25, "row 1 .* not finite"),
        (torch.zeros(3, 2), torch.zeros(3).long(), 0, "num is 0; 1 is the least"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    logits: Tensor, targets: Tensor, num: int, message: str
) -> None:
    with pytest.raises(InterpretationError, match=message) as caught:
        find_failures(logits, targets, num)
    assert isinstance(caught.value, UserError)
    assert isinstance(caught.value, ValueError)
