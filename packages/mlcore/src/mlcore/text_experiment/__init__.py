"""What projects that train language models on text share: the commands `train`, `evaluate` and `sample`.

A project's `build` module is the wiring that they ask for (`TextWiring`): it alone knows constructors. Text, tokens and
windows come from the package of data, the model from the package of models; here they are known by what they can do.
"""

from mlcore.text_experiment.checkpoints import read_text_checkpoint
from mlcore.text_experiment.commands import evaluate, evaluate_run, sample, train
from mlcore.text_experiment.evaluators import make_evaluator, samples_of
from mlcore.text_experiment.readings import MaskedReading, NextTokenReading, can_write
from mlcore.text_experiment.wiring import (
    TextWiring,
    check_vocabulary,
    checkpoint_extras,
    kept_tokenizer,
    require_batches,
    tokenizer_folder,
)

__all__ = [
    "MaskedReading",
    "NextTokenReading",
    "TextWiring",
    "can_write",
    "check_vocabulary",
    "checkpoint_extras",
    "evaluate",
    "evaluate_run",
    "kept_tokenizer",
    "make_evaluator",
    "read_text_checkpoint",
    "require_batches",
    "sample",
    "samples_of",
    "tokenizer_folder",
    "train",
]
