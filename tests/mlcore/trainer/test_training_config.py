"""The training section: every key described, aliases as in the original documents, combinations checked."""

import subprocess
import sys
from typing import Any

import pytest
from mlcore.trainer import schedule_config
from mlcore.trainer.config import EarlyStoppingConfig, TrainingConfig
from pydantic import BaseModel, ValidationError

SECTIONS = [
    TrainingConfig,
    EarlyStoppingConfig,
    *(
        value
        for value in vars(schedule_config).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and "type" in value.model_fields
    ),
]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_says_what_it_does(section: type[BaseModel]) -> None:
    undescribed = [name for name, field in section.model_fields.items() if not field.description]
    assert len(SECTIONS) == 10
    assert undescribed == []


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("num_epochs", "epochs", 7),
        ("max_steps", "steps", 70),
        ("lr", "learning_rate", 0.5),
        ("grad_clip", "max_grad_norm", 0.7),
        ("gradient_clip", "max_grad_norm", 0.7),
        ("log_interval", "log_every", 3),
    ],
)
def test_keys_of_the_original_documents_work(old: str, new: str, value: Any) -> None:
    assert getattr(TrainingConfig(**{old: value}), new) == value
    with pytest.raises(ValidationError, match=new):
        TrainingConfig(**{old: value, new: value})


def test_short_forms_mean_their_defaults() -> None:
    assert TrainingConfig(schedule="cosine").schedule == schedule_config.CosineSchedule()
    assert TrainingConfig(early_stopping=True).early_stopping == EarlyStoppingConfig()
    assert TrainingConfig(early_stopping=False).early_stopping is None


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, "belong to sgd"),
        ({"optimizer": "sgd", "nesterov": True}, "nesterov needs momentum"),
        ({"steps": 10, "schedule": {"type": "cosine", "warmup_steps": 10}}, "only 10 steps"),
        ({"monitor": "loss"}, "val_loss"),
        ({"monitor": "val_accuracy"}, "monitor_mode: max"),
        ({"early_stopping": {"monitor": "loss"}}, "early_stopping.monitor"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"betas": (0.9, 1.0)}, "betas"),
        ({"epochs": 0}, "epochs"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"schedule": {"type": "nom"}}, "did you mean 'noam'"),
        ({"schedule": {"type": "onecycle", "warmup_steps": 3}}, "warmup_steps"),
        ({"ema_decay": 1.0}, "ema_decay"),
    ],
)
def test_mistakes_are_refused_with_their_key(keys: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        TrainingConfig(**keys)


def test_a_section_survives_the_way_through_json() -> None:
    config = TrainingConfig(steps=5, schedule={"type": "wsd", "shape": "cosine"}, early_stopping=True)
    assert TrainingConfig.model_validate(config.model_dump(mode="json")) == config


def test_reading_the_section_does_not_import_torch() -> None:
    code = "import sys, mlcore.trainer.config, mlcore.trainer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_vectors_may_have_a_rate_of_their_own_which_the_schedule_scales_too() -> None:
    import torch
    from mlcore.trainer.optimizers import build_optimizer
    from mlcore.trainer.precision import MixedPrecision
    from mlcore.trainer.update import Updater

    model = torch.nn.Linear(3, 2)
    config = TrainingConfig(optimizer="sgd", learning_rate=0.1, vector_rate_factor=4.0, weight_decay=0.5)
    updater = Updater(build_optimizer(model, config), MixedPrecision("off", torch.device("cpu")), None)
    before = [parameter.detach().clone() for parameter in (model.weight, model.bias)]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    updater.apply(1.0, rate_factor=0.5)
    for parameter, old, rate in zip((model.weight, model.bias), before, (0.05, 0.2), strict=True):
        torch.testing.assert_close(parameter.detach(), old - rate * (1 + 0.5 * old))
