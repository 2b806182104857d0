"""Architectures of Proving Ground. Knows no dataset and no trainer.

Names are imported when they are first used (PEP 562), so that reading a config needs no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "BaseModel": "mlmodels.base_model",
    "AutogradTransformer": "mlmodels.custom_transformer.twin",
    "Bert": "mlmodels.transformer_encoders.masked_language_model",
    "BertClassifier": "mlmodels.transformer_encoders.classifier",
    "BertClassifierConfig": "mlmodels.transformer_encoders.config",
    "BertConfig": "mlmodels.transformer_encoders.config",
    "CnnClassifier": "mlmodels.image_classifiers.cnn",
    "CnnConfig": "mlmodels.image_classifiers.config",
    "CustomTransformer": "mlmodels.custom_transformer.model",
    "CustomTransformerConfig": "mlmodels.custom_transformer.config",
    "CustomTransformerWrapper": "mlmodels.custom_transformer.wrapper",
    "EraTransformer": "mlmodels.transformer_eras.model",
    "EraTransformerConfig": "mlmodels.transformer_eras.config",
    "FcClassifier": "mlmodels.image_classifiers.fc",
    "FcConfig": "mlmodels.image_classifiers.config",
    "FcScratch": "mlmodels.image_classifiers.fc_scratch",
    "FcScratchConfig": "mlmodels.image_classifiers.config",
    "GRU": "mlmodels.recurrent.stacks",
    "LSTM": "mlmodels.recurrent.stacks",
    "RecurrentClassifier": "mlmodels.recurrent.classifier",
    "RecurrentClassifierConfig": "mlmodels.recurrent.config",
    "RecurrentLanguageModel": "mlmodels.recurrent.language_model",
    "RecurrentLanguageModelConfig": "mlmodels.recurrent.config",
    "VanillaRNN": "mlmodels.recurrent.stacks",
    "VitClassifier": "mlmodels.image_classifiers.vit",
    "VitConfig": "mlmodels.image_classifiers.vit_config",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
