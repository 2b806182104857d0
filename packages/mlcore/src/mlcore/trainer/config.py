"""The training section of a configuration. No torch import: command lines must answer at once."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_serializer, model_validator

from mlcore.config.section import Section
from mlcore.trainer.batch_size_config import AutoBatchSize, BatchSize, BatchSizeSchedule
from mlcore.trainer.schedule_config import ConstantSchedule, ScheduleConfig

_GROWING = ("accuracy", "acc", "f1", "auc", "bleu", "recall", "precision")


def grows_with_quality(metric: str) -> bool:
    """Whether a metric of this name (val_accuracy, train_f1, …) grows as the model improves."""
    return metric.rsplit("_", 1)[-1] in _GROWING


class EarlyStoppingConfig(Section):
    """When to stop before the end. Values are compared once an evaluation."""

    policy: Literal["patience", "plateau", "adaptive"] = Field(
        default="patience",
        description="patience: no new best; plateau: a window's halves alike; adaptive: none beyond noise.",
    )
    patience: int = Field(default=5, ge=1, description="Evaluations without improvement that end the run.")
    min_delta: float = Field(default=0.0, ge=0, description="Smallest change that counts as an improvement.")
    monitor: str | None = Field(default=None, description="Metric to watch; null is training.monitor.")
    also: str | None = Field(
        default=None,
        description="A second metric, such as val_accuracy: the run ends once both have stopped improving.",
    )
    window: int = Field(
        default=10, ge=4, description="plateau, adaptive: evaluations that are looked back at."
    )
    noise_factor: float = Field(
        default=1.0, ge=0, description="adaptive: an improvement must exceed this many noise deviations."
    )
    stretch: float = Field(
        default=0.5,
        ge=0,
        description="adaptive: patience grows to this share of the evaluations up to the best.",
    )


def _switch_to_section(value: Any) -> Any:
    """``early_stopping: true`` means its defaults, ``false`` means none."""
    if isinstance(value, bool):
        return {} if value else None
    return value


class MuonCompanionConfig(Section):
    """What AdamW does for the parameters that are no matrices of the model's blocks, beside Muon."""

    embedding_learning_rate: float = Field(default=0.02, gt=0, description="Full rate of embeddings.")
    head_learning_rate: float = Field(default=0.004, gt=0, description="Full rate of the output layer.")
    scalar_learning_rate: float = Field(default=0.02, gt=0, description="Full rate of scalars and vectors.")
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        default=(0.8, 0.95), description="Decay of the two running means."
    )
    epsilon: float = Field(default=1e-10, gt=0, description="Added to the denominator.")
    weight_decay: float = Field(default=0.0, ge=0, description="Decoupled weight decay.")


class TrainingConfig(Section):
    """How to train: length, optimizer, schedule, stability, evaluation and saving.

    Length: ``epochs``, ``steps`` (optimizer updates) or both, and then whichever ends first. With neither it is
    one epoch, or, with the adaptive policy of early stopping, as long as the curve improves.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "num_epochs": "epochs",
        "max_epochs": "epochs",
        "max_steps": "steps",
        "num_steps": "steps",
        "lr": "learning_rate",
        "grad_clip": "max_grad_norm",
        "gradient_clip": "max_grad_norm",
        "log_interval": "log_every",
        "eval_interval": "eval_every",
        "save_interval": "save_every",
        "scheduler": "schedule",
        "gradient_accumulation_steps": "accumulation_steps",
        "grad_accum_steps": "accumulation_steps",
    }

    epochs: int | None = Field(default=None, ge=1, description="Passes over the training data.")
    steps: int | None = Field(default=None, ge=1, description="Optimizer updates.")
    max_minutes: float | None = Field(
        default=None,
        gt=0,
        description="Stop cleanly after so many minutes of one process; the schedule ignores it.",
    )
    batch_size: BatchSize = Field(
        default=32,
        description="Samples in a batch of one process; auto: what optimize_settings found for this machine.",
    )
    accumulation_steps: int = Field(
        default=1, ge=1, description="Batches whose gradients make one optimizer update."
    )
    batch_size_schedule: BatchSizeSchedule | None = Field(
        default=None, description="When an update takes more batches; null: always accumulation_steps."
    )

    optimizer: Literal["adamw", "adam", "sgd", "muon"] = Field(
        default="adamw",
        description="Update rule; muon is for the matrices of a model's blocks, with adamw for the rest.",
    )
    learning_rate: float = Field(
        default=1e-3, gt=0, description="Full learning rate; the schedule scales it."
    )
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        default=(0.9, 0.999), description="adam, adamw: decay of the two running means."
    )
    epsilon: float = Field(default=1e-8, gt=0, description="adam, adamw: added to the denominator.")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="sgd, muon: momentum; muon likes 0.95.")
    nesterov: bool = Field(default=False, description="sgd, muon: Nesterov's momentum.")
    muon_companion: MuonCompanionConfig = Field(
        default_factory=MuonCompanionConfig, description="muon: adamw for all that is no matrix."
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        description="Weight decay: decoupled in adamw and muon, an L2 term in adam and sgd.",
    )
    decay_only_matrices: bool = Field(
        default=False,
        description="Leave biases, norms and other parameters of fewer than two dimensions undecayed.",
    )
    vector_rate_factor: float = Field(
        default=1.0,
        gt=0,
        description="Rate of biases, norms and other parameters of fewer than two dimensions, over learning_rate.",
    )
    schedule: ScheduleConfig = Field(
        default_factory=ConstantSchedule,
        description="Learning rate over time; a name alone takes its defaults.",
    )

    max_grad_norm: float | None = Field(
        default=None, gt=0, description="Clip the gradient's norm to this; advice 0.5 to 2.0; null: never."
    )
    mixed_precision: Literal["auto", "off", "float32", "bf16", "fp16"] | bool = Field(
        default="off", description="Autocast type; auto decides by device; fp16 scales the loss."
    )
    ema_decay: float | None = Field(
        default=None, gt=0, lt=1, description="Decay of the averaged weights that are validated; null: none."
    )
    sync_batch_norm: bool = Field(
        default=True,
        description="Several processes: BatchNorm takes its statistics over the batches of all of them.",
    )
    compile: bool = Field(
        default=False, description="Use torch.compile, and plain eager mode where it fails."
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="Probability mass of the target spread over all classes."
    )
    loss_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="Weights of losses with names in their sum; 1 for the others."
    )
    max_bad_steps: int = Field(
        default=20, ge=1, description="Skipped updates in a row (NaN or infinite numbers) that end the run."
    )

    monitor: str = Field(default="val_loss", description="Metric that decides which checkpoint is best.")
    monitor_mode: Literal["min", "max"] = Field(default="min", description="Whether small or large is good.")
    early_stopping: Annotated[EarlyStoppingConfig | None, BeforeValidator(_switch_to_section)] = Field(
        default=None, description="When to stop before the end; true takes the defaults; null: never."
    )

    log_every: int = Field(default=10, ge=1, description="Optimizer updates between two log records.")
    eval_every: int | None = Field(
        default=None, ge=1, description="Optimizer updates between two evaluations; null: each epoch."
    )
    eval_batches: int | None = Field(default=None, ge=1, description="Batches of an evaluation; null: all.")
    save_every: int | None = Field(
        default=500,
        ge=1,
        description="Optimizer updates between two checkpoints; null: at epoch ends and bests.",
    )
    keep_last: int = Field(default=2, ge=1, description="Checkpoints kept beside the best.")
    sample_every: int | None = Field(
        default=None, ge=1, description="Optimizer updates between two shows of samples; null: none."
    )

    @field_serializer("batch_size")
    def _batch_size_as_written(self, value: int) -> int | str:
        return "auto" if isinstance(value, AutoBatchSize) else value

    @model_validator(mode="after")
    def _combinations_make_sense(self) -> Self:
        problems = [*self._optimizer_problems(), *self._length_problems(), *self._monitor_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _optimizer_problems(self) -> list[str]:
        problems = []
        if self.optimizer not in ("sgd", "muon") and (self.momentum or self.nesterov):
            problems.append(
                f"momentum and nesterov belong to sgd and muon, the optimizer is {self.optimizer}"
            )
        if (
            self.optimizer != "muon"
            and "muon_companion" in self.model_fields_set
            and not self._has_default_companion()
        ):
            problems.append(f"muon_companion belongs to muon, the optimizer is {self.optimizer}")
        if self.optimizer in ("sgd", "muon") and self.nesterov and not self.momentum:
            problems.append("nesterov needs momentum > 0, for example momentum: 0.9")
        return problems

    def _has_default_companion(self) -> bool:
        """A resolved configuration writes out the companion that nobody asked for."""
        return self.muon_companion == MuonCompanionConfig()

    def batches_per_update(self, epoch: int) -> int:
        """Batches of one process whose gradients make an update in epoch `epoch`, from 0."""
        growth = 1 if self.batch_size_schedule is None else self.batch_size_schedule.growth(epoch)
        return self.accumulation_steps * growth

    @property
    def is_open_ended(self) -> bool:
        """Whether nothing but adaptive stopping (or the time budget) ends the run."""
        stopping = self.early_stopping
        return (
            self.epochs is None
            and self.steps is None
            and stopping is not None
            and stopping.policy == "adaptive"
        )

    def _length_problems(self) -> list[str]:
        if self.is_open_ended and self.schedule.type in ("cosine", "onecycle", "wsd"):
            return [
                f"schedule {self.schedule.type} needs a length, and adaptive stopping without epochs or steps has "
                "none: take plateau, constant, step or exponential, or give epochs"
            ]
        warmup = getattr(self.schedule, "warmup_steps", 0)
        if self.steps is not None and self.schedule.type != "noam" and warmup >= self.steps:
            return [f"schedule.warmup_steps is {warmup}, but there are only {self.steps} steps"]
        return []

    def _monitor_problems(self) -> list[str]:
        problems = []
        watched = {"monitor": self.monitor}
        if self.early_stopping is not None and self.early_stopping.monitor is not None:
            watched["early_stopping.monitor"] = self.early_stopping.monitor
        if self.early_stopping is not None and self.early_stopping.also is not None:
            watched["early_stopping.also"] = self.early_stopping.also
        for key, name in watched.items():
            if not name.startswith(("val_", "train_")):
                problems.append(f"{key} is {name!r}: it begins with val_ or train_, for example val_{name}")
        if self.monitor_mode == "min" and grows_with_quality(self.monitor):
            problems.append(f"{self.monitor} grows as the model improves: set monitor_mode: max")
        return problems
