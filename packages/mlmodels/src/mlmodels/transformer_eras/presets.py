"""The eras as presets: what each builds with, and the shapes that give all of them the same number of parameters.

Phase 1 is Vaswani et al. (2017) as a decoder; 2 trains the same network as of 2019; 3 is GPT-2's layout (Radford et
al., 2019; Xiong et al., 2020); 4 is Llama's (Touvron et al., 2023) with grouped queries (Ainslie et al., 2023), 4t the
same with a tied head; 5 takes what small-model speed runs found from 2024 on (Jordan et al., modded-nanogpt, 2024;
Karpathy, nanochat, 2025). Imports no torch.
"""

from typing import Any, Literal

Phase = Literal["phase_1", "phase_2", "phase_3", "phase_4", "phase_4t", "phase_5"]
Size = Literal["primary", "alternative", "nano", "debug"]

_VANILLA: dict[str, Any] = {
    "feed_forward": "relu",
    "norm": "layer_norm",
    "norm_position": "post",
    "positions": "sinusoidal",
    "bias": True,
    "initialisation": "xavier",
    "dropout": 0.1,
}
_LLAMA: dict[str, Any] = {
    "feed_forward": "swiglu",
    "norm": "rms_norm",
    "norm_position": "pre",
    "positions": "rope",
    "bias": False,
    "initialisation": "normal",
}
STYLES: dict[Phase, dict[str, Any]] = {
    "phase_1": _VANILLA,
    "phase_2": _VANILLA,
    "phase_3": {**_VANILLA, "feed_forward": "gelu", "norm_position": "pre", "initialisation": "normal"},
    "phase_4": _LLAMA,
    "phase_4t": {**_LLAMA, "tie_weights": True},
    "phase_5": {
        "feed_forward": "relu_squared",
        "norm": "rms_norm_plain",
        "norm_position": "pre",
        "embedding_norm": True,
        "positions": "rope",
        "bias": False,
        "qk_norm": True,
        "residual_scalars": True,
        "logit_soft_cap": 15.0,
        "initialisation": "fan_in",
    },
}
_SHAPES: dict[Size, dict[str, Any]] = {
    "primary": {"vocab_size": 2048, "d_model": 320, "n_layers": 6, "n_heads": 10, "max_seq_len": 256},
    "alternative": {"vocab_size": 2048, "d_model": 384, "n_layers": 4, "n_heads": 8, "max_seq_len": 256},
    "nano": {"vocab_size": 512, "d_model": 96, "n_layers": 3, "n_heads": 6, "max_seq_len": 128},
    "debug": {"vocab_size": 2048, "d_model": 256, "n_layers": 4, "n_heads": 8, "max_seq_len": 256},
}
_GROUPED: dict[tuple[Size, Phase], dict[str, Any]] = {
    ("primary", "phase_4"): {"d_ffn": 1024},
    ("primary", "phase_4t"): {"n_layers": 7, "d_ffn": 944},
    ("primary", "phase_5"): {"d_ffn": 1472, "value_embedding_layers": (0, 5)},
    ("alternative", "phase_4"): {"d_ffn": 1232},
    ("alternative", "phase_5"): {"d_ffn": 1712, "value_embedding_layers": (0, 3)},
    ("nano", "phase_4"): {"d_ffn": 304},
    ("nano", "phase_5"): {"d_ffn": 400, "value_embedding_layers": (0, 2)},
}
_FOUR_TIMES_THE_WIDTH: tuple[Phase, ...] = ("phase_1", "phase_2", "phase_3")


def sizes_of(phase: Phase) -> list[Size]:
    """The sizes in which a phase exists."""
    return [size for size in _SHAPES if phase in _FOUR_TIMES_THE_WIDTH or (size, phase) in _GROUPED]


def preset(phase: Phase, size: Size) -> dict[str, Any]:
    """Keys of `EraTransformerConfig` for a phase in a size.

    Raises:
        ValueError: the phase does not exist in that size.
    """
    if size not in sizes_of(phase):
        raise ValueError(f"there is no {phase} of size {size!r}; there is {', '.join(sizes_of(phase))}")
    shape = _SHAPES[size]
    if phase in _FOUR_TIMES_THE_WIDTH:
        further = {
            "d_ffn": 4 * shape["d_model"],
            "head_bias": size == "debug",
        }
    else:
        further = {"n_kv_heads": 2, **_GROUPED[size, phase]}
    return {**STYLES[phase], **shape, **further}
