"""The flags that are short for a key of the configuration: one row a flag.

Every flag can be written with dashes or with underscores (``--batch-size``, ``--batch_size``).
"""

from typing import NamedTuple

TRAINING = "training"
EVALUATION = "evaluation"
BOTH = (TRAINING, EVALUATION)


class Flag(NamedTuple):
    """One flag.

    Attributes:
        names: its spellings; the first is the documented one.
        keys: the configuration keys it may stand for; the first that the project has is set.
        help: one line for ``--help``.
        value: what the flag sets. None: the word after it. A mapping: the section is switched on, with what
            it has.
        groups: the kinds of command that know it.
        word_is_optional: whether it may stand alone, meaning ``value``, or be followed by a word.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    help: str
    value: object = None
    groups: tuple[str, ...] = (TRAINING,)
    word_is_optional: bool = False

    @property
    def stands_alone(self) -> bool:
        """Whether no word follows it."""
        return self.value is not None and not self.word_is_optional


SECTION_ON: dict[str, object] = {}

FLAGS: tuple[Flag, ...] = (
    Flag(("--seed",), ("seed", "training.seed"), "Seed of everything random.", groups=BOTH),
    Flag(
        ("--deterministic",),
        ("deterministic", "training.deterministic"),
        "Use deterministic kernels only.",
        True,
        BOTH,
    ),
    Flag(("--device",), ("device", "training.device"), "auto, cpu, cuda, cuda:1, mps…", groups=BOTH),
    Flag(("--experiment-name", "--name"), ("name", "experiment_name"), "Name of the run folder."),
    Flag(("--model",), ("model.type", "model.name"), "Kind of model."),
    Flag(
        ("--data-dir", "--train-data-dir"),
        ("data.data_dir", "data.train_data_dir"),
        "Folder of the data.",
        groups=BOTH,
    ),
    Flag(("--batch-size",), ("training.batch_size", "data.batch_size"), "Examples in a batch.", groups=BOTH),
    Flag(("--epochs",), ("training.epochs",), "Passes over the data."),
    Flag(("--steps",), ("training.steps",), "Optimizer steps; takes the place of epochs."),
    Flag(("--lr", "--learning-rate"), ("training.learning_rate",), "Learning rate."),
    Flag(("--grad-clip", "--max-grad-norm"), ("training.max_grad_norm",), "Largest norm of the gradient."),
    Flag(
        ("--mixed-precision",),
        ("training.mixed_precision", "mixed_precision"),
        "Compute in 16 bits: alone, or with a kind (auto, off, bf16, fp16).",
        True,
        BOTH,
        word_is_optional=True,
    ),
    Flag(("--compile",), ("training.compile", "compile"), "Compile the model.", True, BOTH),
    Flag(("--no-compile",), ("training.compile", "compile"), "Do not compile the model.", False, BOTH),
    Flag(
        ("--early-stopping",),
        ("training.early_stopping.enabled", "training.early_stopping"),
        "Stop when validation no longer improves.",
        SECTION_ON,
    ),
    Flag(
        ("--patience",),
        ("training.early_stopping.patience",),
        "Validations without improvement before stopping.",
    ),
    Flag(
        ("--use-tensorboard", "--tensorboard"),
        ("logging.use_tensorboard", "logging.tensorboard"),
        "Write TensorBoard events.",
        True,
    ),
    Flag(
        ("--no-tensorboard",),
        ("logging.use_tensorboard", "logging.tensorboard"),
        "Write no TensorBoard events.",
        False,
    ),
    Flag(
        ("--wandb", "--use-wandb"),
        ("logging.use_wandb", "logging.wandb"),
        "Log to Weights & Biases too.",
        True,
    ),
    Flag(("--wandb-project",), ("logging.wandb_project",), "Project name there."),
    Flag(
        ("--no-coherence-eval",),
        ("evaluation.evaluate_coherence",),
        "Do not have samples scored by a language model.",
        False,
        BOTH,
    ),
)


def spellings(name: str) -> tuple[str, ...]:
    """``--batch-size`` and ``--batch_size``."""
    underscored = "--" + name[2:].replace("-", "_")
    return (name,) if underscored == name else (name, underscored)
