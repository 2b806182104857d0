"""The interface of the original document: dictionaries in and out, one call a training step, checkpoints.

B batch, T time, V vocabulary.
"""

import math
import os
from pathlib import Path
from typing import Any, Literal, Self, TypedDict

import torch
from torch import Tensor

from mlmodels.base_model import BaseModel
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.gradients import clip_gradients
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.precision import dtype_from_name, dtype_name

IGNORE_INDEX = -100
# What may differ between a checkpoint and the model that loads it: nothing of the weights depends on it.
RUN_TIME_KEYS = ("dtype", "dropout", "init_std", "kernels", "recompute_activations")


class TrainStepResult(TypedDict):
    """What a training step returns: exactly these keys."""

    loss: float
    status: Literal["ok", "nan_detected", "nan_gradient"]
    grad_norm: float


class ModelCheckpointError(Exception):
    """A checkpoint that is not there, damaged, or of another model."""

    exit_code = 3


class CustomTransformerWrapper(BaseModel):
    """`CustomTransformer` behind the interface of a base language model.

    Labels are aligned with `input_ids`, as in Hugging Face's models: pass the same tensor twice. They are
    shifted **inside**, once: the logits at position t are compared with label t + 1; the label at position 0
    is never used. -100 does not count.
    """

    def __init__(
        self,
        vocab_size: int = 4096,
        d_model: int = 256,
        n_blocks: int = 4,
        n_heads: int = 4,
        d_ffn: int = 512,
        max_seq_len: int = 256,
        dtype: torch.dtype = torch.bfloat16,
        **options: Any,
    ) -> None:
        """Dimensions as in `CustomTransformerConfig`, whose other keys `options` may hold (dropout,
        tie_weights, …).
        """
        super().__init__()
        self.config = CustomTransformerConfig(
            vocab_size=vocab_size,
            d_model=d_model,
            n_blocks=n_blocks,
            n_heads=n_heads,
            d_ffn=d_ffn,
            max_seq_len=max_seq_len,
            dtype=dtype_name(dtype),
            **options,
        )
        self.model = CustomTransformer(self.config)

    @classmethod
    def from_config(cls, config: CustomTransformerConfig) -> Self:
        """Build the wrapper of the model that `config` describes."""
        options = config.model_dump(exclude={"type", "dtype"})
        return cls(**options, dtype=dtype_from_name(config.dtype))

    @property
    def dim(self) -> int:
        return self.config.d_model

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Give the model new starting weights."""
        self.model.init_weights(generator)

    @torch.no_grad()
    def forward(self, input_ids: Tensor, labels: Tensor | None = None) -> dict[str, Tensor | None]:
        """Return {"logits": (B, T, V), "loss": scalar or None}: inference, without dropout, without
        gradients.
        """
        logits_BTV = self.model.logits(input_ids)
        if labels is None:
            return {"logits": logits_BTV, "loss": None}
        loss, _ = self.model.loss_of(logits_BTV, shift_labels(labels))
        return {"logits": logits_BTV, "loss": loss}

    @torch.no_grad()
    def train_step(
        self,
        input_ids: Tensor,
        labels: Tensor,
        learning_rate: float = 0.001,
        max_grad_norm: float | None = 1.0,
    ) -> TrainStepResult:
        """One step of SGD: forward, backward, clipping to `max_grad_norm`, update.

        status "nan_detected": the loss is not finite (grad_norm is then NaN: it was not looked at).
        "nan_gradient": the loss is finite, the gradient's norm is not. In both cases the update is skipped
        and every parameter keeps its bits. grad_norm is the norm before clipping; loss is that before the
        update, in nats per counted token.
        """
        self.model.zero_gradients()
        loss_tensor, _ = self.model.loss_and_gradient(input_ids, shift_labels(labels))
        loss = float(loss_tensor)
        if not math.isfinite(loss):
            self.model.zero_gradients()
            return {"loss": loss, "status": "nan_detected", "grad_norm": math.nan}
        grad_norm = clip_gradients(self.model.parameters(), max_grad_norm)
        if not math.isfinite(grad_norm):
            self.model.zero_gradients()
            return {"loss": loss, "status": "nan_gradient", "grad_norm": grad_norm}
        self.model.update_parameters(learning_rate)
        return {"loss": loss, "status": "ok", "grad_norm": grad_norm}

    def generate(
        self,
        input_ids: Tensor,
        max_length: int = 100,
        temperature: float = 0.8,
        top_k: int | None = 50,
        *,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        generator: torch.Generator | None = None,
        seed: int | None = None,
        end_id: int | None = None,
    ) -> Tensor:
        """Continue the prompts (B, T) to a **total** of `max_length` tokens, the prompt included.

        A prompt that is that long already comes back as it is. Shorter only where every row has produced
        `end_id`.
        """
        return self.model.generate(
            input_ids,
            max_new_tokens=max(0, max_length - input_ids.shape[1]),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            generator=generator,
            seed=seed,
            end_id=end_id,
        )

    def save_checkpoint(
        self, path: str | Path, *, epoch: int | None = None, train_loss: float | None = None
    ) -> None:
        """Write config, weights and the two notes to `path`, atomically: the file is the old one or the new
        one, never half.

        The folder must exist.
        """
        path = Path(path)
        state = {
            "model_config": self.config.model_dump(),
            "model": self.model.state_dict(),
            "epoch": epoch,
            "train_loss": train_loss,
        }
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def load_checkpoint(self, path: str | Path) -> dict[str, Any]:
        """Load the weights of a checkpoint of the same dimensions; return {"epoch": …, "train_loss": …}.

        Raises ModelCheckpointError, and changes nothing, where the file is missing, damaged, or of another
        config.
        """
        state = read_checkpoint(path)
        saved = CustomTransformerConfig(**state["model_config"])
        different = [
            f"{key} {getattr(saved, key)} (here {getattr(self.config, key)})"
            for key in sorted(CustomTransformerConfig.model_fields)
            if key not in RUN_TIME_KEYS and getattr(saved, key) != getattr(self.config, key)
        ]
        if different:
            raise ModelCheckpointError(f"{path}: the checkpoint has {', '.join(different)}")
        self._load_weights(path, state["model"])
        return {"epoch": state.get("epoch"), "train_loss": state.get("train_loss")}

    @classmethod
    def from_checkpoint(cls, path: str | Path) -> Self:
        """Build the wrapper that `save_checkpoint` wrote: dimensions, options, dtype and weights."""
        state = read_checkpoint(path)
        wrapper = cls.from_config(CustomTransformerConfig(**state["model_config"]))
        wrapper._load_weights(path, state["model"])
        return wrapper

    def _load_weights(self, path: str | Path, weights: dict[str, Tensor]) -> None:
        own = {name: tensor.shape for name, tensor in self.model.state_dict().items()}
        if own != {name: tensor.shape for name, tensor in weights.items()}:
            raise ModelCheckpointError(f"{path}: its weights do not fit its config")
        self.model.load_state_dict(weights)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of `save_checkpoint`, or one of a training run, to the CPU. weights_only=True: no code runs.

    Raises ModelCheckpointError with one line for a file that is missing, damaged or something else.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelCheckpointError(f"{path}: no such checkpoint")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise ModelCheckpointError(f"{path}: not a readable checkpoint ({type(error).__name__})") from error
    if not isinstance(state, dict) or not {"model", "model_config"} <= state.keys():
        raise ModelCheckpointError(f"{path}: not a checkpoint of this model: it lacks model or model_config")
    try:
        CustomTransformerConfig(**state["model_config"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelCheckpointError(f"{path}: its config is not one of a custom_transformer") from error
    return state


def shift_labels(labels_BT: Tensor) -> Tensor:
    """Targets of labels that are aligned with the input: target t is label t + 1, and the last position has
    none.
    """
    targets_BT = torch.full_like(labels_BT, IGNORE_INDEX)
    targets_BT[:, :-1] = labels_BT[:, 1:]
    return targets_BT
