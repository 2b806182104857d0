"""The norms of the eras: LayerNorm (Ba et al., 2016) and RMSNorm (Zhang and Sennrich, 2019), torch's own."""

from torch import nn

from mlmodels.transformer_eras.shape import BlockShape


def make_norm(config: BlockShape) -> nn.Module:
    """A norm over the last dimension of (…, d_model)."""
    if config.norm == "layer_norm":
        return nn.LayerNorm(config.d_model, eps=config.norm_epsilon)
    return nn.RMSNorm(config.d_model, eps=config.norm_epsilon, elementwise_affine=config.norm == "rms_norm")
