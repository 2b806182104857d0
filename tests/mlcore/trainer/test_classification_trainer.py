"""The classifiers' trainer against torch, scikit-learn and hand-written loops."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mlcore.errors import UserError
from mlcore.trainer import ClassificationTrainer, TrainingConfig
from mlcore.trainer.callbacks import Callback
from mlcore.trainer.classification import LabelRangeError
from sklearn.metrics import accuracy_score
from torch import Tensor, nn
from torch.nn import functional

NUM_CLASSES, WIDTH = 5, 7


def examples(num_samples: int = 50, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(num_samples, WIDTH, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(NUM_CLASSES, (num_samples,), generator=generator)


def uneven_batches(num_samples: int = 50) -> list[tuple[Tensor, Tensor]]:
    inputs, labels = examples(num_samples)
    return list(zip(inputs.split(16), labels.split(16), strict=True))


def linear_model(seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Linear(WIDTH, NUM_CLASSES).double()


def make_trainer(model: nn.Module | None = None, **options: Any) -> ClassificationTrainer:
    callbacks = options.pop("callbacks", ())
    config = TrainingConfig(**{"optimizer": "sgd", "learning_rate": 0.5, **options})
    return ClassificationTrainer(model or linear_model(), config, device="cpu", callbacks=callbacks)


class Records(Callback):
    def __init__(self) -> None:
        self.losses: list[float] = []
        self.accuracies: list[float] = []

    def on_step_end(self, trainer: Any, result: Any) -> None:
        self.losses.append(result.loss)
        self.accuracies.append(result.metrics["accuracy"])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_training_follows_a_hand_written_loop_step_by_step(smoothing: float) -> None:
    records = Records()
    trainer = make_trainer(epochs=3, label_smoothing=smoothing, callbacks=[records])
    trainer.train(uneven_batches())

    model, losses, accuracies = linear_model(), [], []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(3):
        for inputs, labels in uneven_batches():
            logits = model(inputs)
            loss = nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            accuracies.append(accuracy_score(labels, logits.argmax(1)))
    assert records.losses == pytest.approx(losses, rel=1e-12)
    assert records.accuracies == pytest.approx(accuracies, rel=1e-6)
    for ours, theirs in zip(trainer.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_validation_is_the_plain_mean_over_all_examples_whatever_the_batches_and_the_smoothing() -> None:
    trainer = make_trainer(label_smoothing=0.3)
    inputs, labels = examples()
    means = trainer.validate_epoch(uneven_batches())
    logits = trainer.model(inputs)
    assert means["loss"] == pytest.approx(functional.cross_entropy(logits, labels).item(), rel=1e-12)
    assert means["accuracy"] == pytest.approx(accuracy_score(labels, logits.argmax(1)), rel=1e-6)
    assert set(means) == {"loss", "accuracy"}


def test_smoothing_raises_the_training_loss_only() -> None:
    batch = examples()
    plain, smooth = make_trainer(), make_trainer(label_smoothing=0.2)
    logits = plain.model(batch[0])
    expected = functional.cross_entropy(logits, batch[1], label_smoothing=0.2).item()
    assert float(smooth.compute_gradients(batch, 1.0).loss) == pytest.approx(expected, rel=1e-12)
    assert float(plain.compute_gradients(batch, 1.0).loss) != pytest.approx(expected, rel=1e-3)
    with torch.no_grad():
        losses = [float(trainer.validation_step(batch).loss) for trainer in (plain, smooth)]
    assert losses[0] == losses[1]


def test_accuracy_can_decide_which_checkpoint_is_best() -> None:
    trainer = make_trainer(epochs=2, monitor="val_accuracy", monitor_mode="max")
    result = trainer.train(uneven_batches(), uneven_batches())
    seen = [entry["val"]["accuracy"] for entry in result.history]
    assert result.best_metric == max(seen)
    assert all(set(entry["train"]) == {"loss", "accuracy"} for entry in result.history)


def test_metrics_stay_tensors_so_that_a_step_waits_for_the_device_as_seldom_as_without_them() -> None:
    result = make_trainer().compute_gradients(examples(), 1.0)
    assert isinstance(result.metrics["accuracy"], Tensor)
    assert isinstance(result.loss, Tensor)


def test_the_loss_is_computed_in_float32_even_where_the_model_answers_in_half_precision() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(WIDTH, NUM_CLASSES)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.linear(inputs.float()).to(torch.bfloat16)

    batch = examples()
    trainer = make_trainer(Half())
    result = trainer.compute_gradients(batch, 1.0)
    assert isinstance(result.loss, Tensor)
    assert result.loss.dtype is torch.float32
    logits = trainer.model(batch[0]).float()
    assert float(result.loss) == functional.cross_entropy(logits, batch[1]).item()


def test_a_model_may_return_a_mapping_with_logits() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = linear_model()

        def forward(self, inputs: Tensor) -> dict[str, Tensor]:
            return {"logits": self.linear(inputs), "features": inputs}

    inputs, labels = examples()
    named, plain = make_trainer(Named()), make_trainer()
    assert named.validate_epoch([(inputs, labels)]) == plain.validate_epoch([(inputs, labels)])
    assert torch.equal(named.inference(inputs), plain.inference(inputs))


@pytest.mark.parametrize(("shift", "named"), [(1, "[5]"), (-1, "[-1]")])
def test_labels_out_of_range_are_named_with_what_would_be_right(shift: int, named: str) -> None:
    inputs, labels = examples()
    with pytest.raises(LabelRangeError) as caught:
        make_trainer(epochs=1).train([(inputs, labels + shift)])
    assert named in str(caught.value)
    assert "0 to 4" in str(caught.value)
    assert isinstance(caught.value, UserError)


def test_images_in_channels_train_as_features_do() -> None:
    inputs, labels = examples(48)
    images = inputs[:, :, None, None]
    flat = make_trainer(epochs=2)
    shaped = make_trainer(nn.Sequential(nn.Flatten(), linear_model()), epochs=2)
    histories = [
        trainer.train([(data, labels)], [(data, labels)]).history
        for trainer, data in ((flat, inputs), (shaped, images))
    ]
    assert histories[0] == histories[1]


def test_mixed_labels_are_trained_on_as_shares_of_both_losses_and_judged_by_the_likelier() -> None:
    inputs, labels = examples(12)
    shares = torch.linspace(0.6, 1.0, 12, dtype=torch.float64)
    own, other = (
        functional.one_hot(labels, NUM_CLASSES),
        functional.one_hot((labels + 1) % NUM_CLASSES, NUM_CLASSES),
    )
    targets = shares[:, None] * own + (1 - shares[:, None]) * other
    trainer = make_trainer()
    loss, logits = trainer.forward_pass((inputs, targets))
    separate = shares * functional.cross_entropy(logits, labels, reduction="none")
    separate += (1 - shares) * functional.cross_entropy(logits, (labels + 1) % NUM_CLASSES, reduction="none")
    torch.testing.assert_close(loss, separate.mean())
    found = trainer.compute_metrics(logits, (inputs, targets))["accuracy"]
    assert float(found) == pytest.approx(accuracy_score(labels, logits.argmax(dim=1)))
