"""Shapes that spend a budget of parameters: every width, depth and option of an era that lands inside a band.

Imports no torch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.presets import STYLES, Phase
from mlmodels.transformer_eras.size import count_parameters, flops_per_token

WIDTHS = range(64, 1025, 32)
DEPTHS = range(3, 17)
LEARNED_LENGTHS = (256, 512, 1024)  # of learned position tables
_HEAD_WIDTH, _ALIGNMENT = 32, 16
_NUM_KV_HEADS = 2
_LEAST_RATIO, _LARGEST_RATIO = 2.0, 6.0  # of d_ffn to d_model; beyond, a shape is lopsided


@dataclass(frozen=True)
class Fit:
    """A shape inside the band.

    Attributes:
        deviation: parameters over the budget, minus 1.
        is_aligned: widths, and the width of a head, are multiples of 16.
    """

    config: EraTransformerConfig
    num_parameters: int
    deviation: float
    is_aligned: bool

    def flops_per_token(self, context: int) -> float:
        """Operations of one token in training."""
        return flops_per_token(self.config, context)


def fit_budget(
    budget: int,
    vocab_size: int,
    phase: Phase,
    *,
    tolerance: float = 0.005,
    context: int = 256,
    widths: Sequence[int] = WIDTHS,
    depths: Sequence[int] = DEPTHS,
) -> list[Fit]:
    """All shapes of an era within `tolerance` of `budget` parameters, the nearest first.

    Phases 1 to 3 have a feed-forward width of 4 · d_model and are tried tied and untied, with sinusoids and with
    learned positions of 256, 512 and 1,024 (as many as that learn positions of every context they may ever see), with
    and without a bias of the head. The later ones have two key heads, and the feed-forward width that comes nearest.

    Raises:
        ValueError: a budget, vocabulary or tolerance that is no positive number.
    """
    for name, value in (("budget", budget), ("vocab_size", vocab_size), ("tolerance", tolerance)):
        if not value > 0:
            raise ValueError(f"{name} must be above 0, got {value}")
    found = []
    for keys in _candidates(budget, vocab_size, phase, context, widths, depths):
        config = EraTransformerConfig(**keys)
        total = count_parameters(config)["total"]
        deviation = total / budget - 1
        if abs(deviation) <= tolerance:
            found.append(Fit(config, total, deviation, _is_aligned(config)))
    return sorted(found, key=lambda fit: (abs(fit.deviation), not fit.is_aligned, fit.config.n_layers))


def _candidates(
    budget: int, vocab_size: int, phase: Phase, context: int, widths: Sequence[int], depths: Sequence[int]
) -> Iterator[dict[str, Any]]:
    for width in widths:
        for depth in depths:
            shape = {
                **STYLES[phase],
                "vocab_size": vocab_size,
                "d_model": width,
                "n_layers": depth,
                "n_heads": width // _HEAD_WIDTH,
                "max_seq_len": context,
            }
            if "n_kv_heads" in _options(phase, shape):
                yield from _with_fitting_width({**shape, **_options(phase, shape)}, budget)
            else:
                yield from _vanilla({**shape, "d_ffn": 4 * width})


def _options(phase: Phase, shape: dict[str, Any]) -> dict[str, Any]:
    """What the later eras add: grouped queries, where the heads can be grouped, and value embeddings."""
    if STYLES[phase]["positions"] != "rope":
        return {}
    num_kv = _NUM_KV_HEADS if shape["n_heads"] % _NUM_KV_HEADS == 0 else 1
    tables = {"value_embedding_layers": (0, shape["n_layers"] - 1)} if phase == "phase_5" else {}
    return {"n_kv_heads": num_kv, **tables}


def _vanilla(shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    places: list[dict[str, Any]] = [{"positions": "sinusoidal"}]
    places += [{"positions": "learned", "max_seq_len": length} for length in LEARNED_LENGTHS]
    for place in places:
        for is_tied in (False, True):
            for has_bias in (False, True):
                yield {**shape, **place, "tie_weights": is_tied, "head_bias": has_bias}


def _with_fitting_width(shape: dict[str, Any], budget: int) -> Iterator[dict[str, Any]]:
    """The multiple of 16 that comes nearest to the budget, if it is no lopsided one."""
    least, next_one = (
        count_parameters(EraTransformerConfig(**shape, d_ffn=width))["total"]
        for width in (_ALIGNMENT, 2 * _ALIGNMENT)
    )
    steps = round((budget - least) / (next_one - least))
    inner = _ALIGNMENT * (1 + steps)
    if _LEAST_RATIO * shape["d_model"] <= inner <= _LARGEST_RATIO * shape["d_model"]:
        yield {**shape, "d_ffn": inner}


def _is_aligned(config: EraTransformerConfig) -> bool:
    return all(n % _ALIGNMENT == 0 for n in (config.d_model, config.d_ffn, config.head_width))
