"""How large a model is and what it costs, whichever of the two kinds it is."""

from mlmodels.transformer_encoders import size as encoder_size
from mlmodels.transformer_encoders.config import BertConfig
from mlmodels.transformer_eras import size as era_size

from transformer_phases.config import ModelConfig


def parameters_of(model: ModelConfig) -> tuple[dict[str, int], int]:
    """The number of parameters of every part, and of all that are not merely looked up."""
    if isinstance(model, BertConfig):
        return encoder_size.count_parameters(model), encoder_size.matmul_parameters(model)
    return era_size.count_parameters(model), era_size.matmul_parameters(model)


def flops_of(model: ModelConfig, length: int) -> float:
    """Operations of a token in training."""
    if isinstance(model, BertConfig):
        return encoder_size.flops_per_token(model, length)
    return era_size.flops_per_token(model, length)
