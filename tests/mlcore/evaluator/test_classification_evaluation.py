"""Logits collected over a loader: in order, in evaluation mode, whatever the batches."""

import numpy as np
import pytest
import torch
from mlcore.evaluator import evaluate_classifier
from mlcore.evaluator.classification_evaluation import collect_logits
from mlcore.evaluator.classification_rows import ClassificationError
from torch import Tensor, nn

CLASSES = ["a", "b", "c", "d"]


def samples(count: int = 50) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 6, generator=generator), torch.randint(4, (count,), generator=generator)


def batches(size: int, count: int = 50) -> list[tuple[Tensor, Tensor]]:
    inputs, targets = samples(count)
    return list(zip(inputs.split(size), targets.split(size), strict=True))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 4))


@pytest.mark.parametrize("size", [1, 7, 50])
def test_the_result_does_not_depend_on_the_batches(size: int) -> None:
    model = network()
    inputs, targets = samples()
    logits, found, metrics = evaluate_classifier(model, batches(size), CLASSES, "cpu")
    with torch.no_grad():
        expected = model.eval()(inputs)
    torch.testing.assert_close(logits, expected)
    assert torch.equal(found, targets)
    assert metrics.accuracy == (expected.argmax(1) == targets).double().mean().item()
    assert metrics.loss == pytest.approx(nn.functional.cross_entropy(expected, targets).item(), rel=1e-6)


def test_the_model_is_in_evaluation_mode_and_put_back_module_by_module() -> None:
    model = network()
    model.train()
    model[1].eval()
    running = model[1].running_mean.clone()
    first = evaluate_classifier(model, batches(7), CLASSES).logits
    assert torch.equal(first, evaluate_classifier(model, batches(7), CLASSES).logits), "no dropout"
    assert model.training
    assert model[2].training
    assert not model[1].training
    assert torch.equal(model[1].running_mean, running)


def test_the_model_is_put_back_even_after_an_error() -> None:
    model = network()
    with pytest.raises(RuntimeError):
        evaluate_classifier(model, [(torch.zeros(2, 99), torch.zeros(2, dtype=torch.int64))], CLASSES)
    assert model.training


def test_any_function_will_do_and_a_mapping_with_logits_too() -> None:
    weight = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    plain = evaluate_classifier(lambda inputs: inputs @ weight, batches(7), CLASSES)
    mapped = evaluate_classifier(lambda inputs: {"logits": inputs @ weight}, batches(7), CLASSES)
    assert plain.metrics == mapped.metrics


def test_no_graph_is_kept_and_the_logits_are_fit_for_autograd_afterwards() -> None:
    logits, targets = collect_logits(network(), batches(7))
    assert not logits.requires_grad
    scale = torch.ones((), requires_grad=True)
    nn.functional.cross_entropy(logits * scale, targets).backward()
    assert scale.grad is not None


def test_tensors_that_a_loader_keeps_stay_fit_for_training() -> None:
    class Keeping:
        kept: Tensor | None = None

        def __iter__(self):
            if self.kept is None:
                self.kept = samples()[0] * 2
            yield self.kept, samples()[1]

    loader, model = Keeping(), network()
    evaluate_classifier(model, loader, CLASSES)
    model(loader.kept).sum().backward()
    assert model[0].weight.grad is not None


def test_max_batches_stops_before_the_next_batch_is_asked_for() -> None:
    asked = []

    def loader():
        for number, batch in enumerate(batches(10)):
            asked.append(number)
            yield batch

    assert evaluate_classifier(network(), loader(), CLASSES, max_batches=2).metrics.num_samples == 20
    assert asked == [0, 1]


def test_an_empty_loader_is_an_error_in_words() -> None:
    with pytest.raises(ClassificationError, match="the loader gave no batch"):
        evaluate_classifier(network(), [], CLASSES)


def test_too_few_class_names_are_an_error_in_words() -> None:
    with pytest.raises(ClassificationError, match="4 logits a sample, but there are 2 class names"):
        evaluate_classifier(network(), batches(7), ["a", "b"])


def test_scores_are_those_of_the_collected_logits_with_the_temperature() -> None:
    logits, targets, metrics = evaluate_classifier(network(), batches(7), CLASSES, temperature=1.5)
    assert metrics.temperature_scaled is not None
    expected = nn.functional.cross_entropy(logits.double() / 1.5, targets).item()
    assert metrics.temperature_scaled.loss == pytest.approx(expected, rel=1e-12)
    assert np.trace(metrics.confusion) == (logits.argmax(1) == targets).sum()
