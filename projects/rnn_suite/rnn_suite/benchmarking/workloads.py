"""Targets of the benchmark: one whole training step each, forward to loss as a number. Run in the benchmark's children.

All variants have the same embedding, head, optimizer and clipping, and see the same batch; only the recurrent layers
between are ours or torch's. Those without normalisation begin with the same weights, so that equal losses show that
they do the same work.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from mlcore.benchmarking import Workload
from mlcore.trainer.optimizers import build_optimizer
from mlmodels.recurrent.classifier import RecurrentClassifier
from mlmodels.recurrent.config import CellName, RecurrentClassifierConfig, RecurrentLanguageModelConfig
from mlmodels.recurrent.construction import make_stack
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from mlmodels.recurrent.size import flops_per_token
from mlmodels.recurrent.stacks import RecurrentStack
from torch import Tensor, nn
from torch.nn import functional

from rnn_suite.config import RecurrentTrainingConfig

ModelConfig = RecurrentLanguageModelConfig | RecurrentClassifierConfig
Layers = RecurrentStack | nn.RNNBase
TORCH_LAYERS: Mapping[CellName, type[nn.LSTM | nn.GRU | nn.RNN]] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "rnn": nn.RNN,
}


class Reader(nn.Module):
    """Embedding, `recurrent` layers, head. A classifier's head sees the mean over time; no sequence is padded.

    Its parameters have the names of `RecurrentLanguageModel` and `RecurrentClassifier`.
    """

    def __init__(self, config: ModelConfig, recurrent: Layers) -> None:
        super().__init__()
        self.is_classifier = isinstance(config, RecurrentClassifierConfig)
        num_outputs = (
            config.num_classes if isinstance(config, RecurrentClassifierConfig) else config.vocab_size
        )
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size)
        self.recurrent = recurrent
        self.head = nn.Linear(config.num_directions * config.hidden_size, num_outputs)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Logits (B, T, V), of a classifier (B, K)."""
        y_BTH, _ = self.recurrent(self.embedding(tokens_BT))
        return self.head(y_BTH.mean(dim=1) if self.is_classifier else y_BTH)


def model_config(model: Mapping[str, Any]) -> ModelConfig:
    """The config of a model's keys, by its type."""
    if model["type"] == "recurrent_classifier":
        return RecurrentClassifierConfig(**model)
    return RecurrentLanguageModelConfig(**model)


def ours(*, model: Mapping[str, Any], **arguments: Any) -> Workload:
    """Our layers, by the path that `kernels` says."""
    config = model_config(model)
    return training_step(config, make_stack(config), **arguments)


def theirs(*, model: Mapping[str, Any], **arguments: Any) -> Workload:
    """torch's layers of the same dimensions, without normalisation, which they do not have."""
    config = model_config(model)
    recurrent = TORCH_LAYERS[config.cell](
        config.embedding_size,
        config.hidden_size,
        config.num_layers,
        batch_first=True,
        bidirectional=config.num_directions == 2,
    )
    return training_step(config, recurrent, **arguments)


def training_step(
    config: ModelConfig,
    recurrent: Layers,
    *,
    training: Mapping[str, Any],
    batch_size: int,
    sequence_length: int,
    dtype: str,
    device: str,
    seed: int,
) -> Workload:
    """Loss, gradients, torch's own clipping and the configured optimizer.

    Args:
        training: keys of the training section: optimizer, rates, clipping.
        dtype: bfloat16 runs under autocast.
    """
    where, settings = torch.device(device), RecurrentTrainingConfig.model_validate(dict(training))
    reader = Reader(config, recurrent)
    reader.load_state_dict(first_weights(config, seed))
    reader.to(where)
    optimizer = build_optimizer(reader, settings)
    tokens_BT, targets = batch(config, batch_size, sequence_length, seed, where)

    def precision() -> AbstractContextManager[Any]:
        return torch.autocast(where.type, torch.bfloat16) if dtype == "bfloat16" else nullcontext()

    def step() -> float:
        with precision():
            logits = reader(tokens_BT)
        loss = functional.cross_entropy(logits.flatten(0, -2).float(), targets.flatten())
        loss.backward()
        if settings.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(reader.parameters(), settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    num_tokens = batch_size * sequence_length
    return Workload(
        step,
        items_per_step=num_tokens,
        flops_per_step=flops_per_token(config) * num_tokens,
        dtype=dtype,
        device=device,
        facts={
            "parameters": sum(parameter.numel() for parameter in reader.parameters()),
            "items_per_sample": sequence_length,
            "layers": path_of(recurrent, config, where, dtype),
        },
    )


def first_weights(config: ModelConfig, seed: int) -> dict[str, Tensor]:
    """The weights that a model of the project begins with."""
    torch.manual_seed(seed)
    if isinstance(config, RecurrentClassifierConfig):
        return RecurrentClassifier.from_config(config).state_dict()
    return RecurrentLanguageModel.from_config(config).state_dict()


def batch(
    config: ModelConfig, batch_size: int, sequence_length: int, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Random tokens (B, T), and what follows them (B, T), or random classes (B,)."""
    generator = torch.Generator().manual_seed(seed)
    windows = torch.randint(config.vocab_size, (batch_size, sequence_length + 1), generator=generator)
    targets = windows[:, 1:].contiguous()
    if isinstance(config, RecurrentClassifierConfig):
        targets = torch.randint(config.num_classes, (batch_size,), generator=generator)
    return windows[:, :-1].contiguous().to(device), targets.to(device)


def path_of(recurrent: Layers, config: ModelConfig, device: torch.device, dtype: str) -> str:
    """Which computation the layers take: plain, fast or torch."""
    if not isinstance(recurrent, RecurrentStack):
        return "torch"
    probe = torch.empty(1, 1, config.embedding_size, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
        return recurrent.path(probe)
