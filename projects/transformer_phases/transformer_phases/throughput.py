"""The command `benchmark`: one training step of phase 3, and of transformers' GPT-2 with the same weights."""

import math
from collections.abc import Callable
from typing import Any

import torch
from mlcore.benchmarking import BenchmarkSettings, ModelBenchmark, Variant, Workload
from mlcore.benchmarking.records import write_records
from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.optimizers import build_optimizer
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.size import flops_per_token
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from transformer_phases import build
from transformer_phases.config import ExperimentConfig

TARGETS = {"phase_3": "transformer_phases.throughput:ours", "gpt2": "transformer_phases.throughput:gpt2"}
TRAINING = TrainingConfig(learning_rate=1e-4)


def run_benchmark(config: ExperimentConfig, options: Options) -> int:
    """Measure in turns and show the ratio; 1 if nothing could be measured."""
    if config.era.phase != "phase_3":
        raise ConfigError(
            f"GPT-2 has phase 3's architecture; {config.name} is {config.era.phase or 'its own'}"
        )
    extra = options.extra
    settings = BenchmarkSettings(
        rounds=extra["rounds"], steps_per_round=extra["steps"], warm_up_steps=1, threads=extra["threads"]
    )
    variants = variants_of(config, extra["batch_size"] or config.training.batch_size, extra["compiled"])
    title = f"a training step of {config.name}, float32, without dropout"
    result = ModelBenchmark(variants, settings, title=title, unit="tokens").run().against("gpt2")
    Console(highlight=False).print(result.table())
    if extra["output"] is not None:
        written = write_records(
            extra["output"],
            {f"{config.name}_float32": result},
            what="training",
            title="Phase 3 beside GPT-2",
            lead="The same architecture and weights, the same windows, in turns.",
            seed=config.seed,
        )
        print(f"\nresults {written.json}\npage    {written.page}")
    return int(all(one.failure for one in result.measurements))


def variants_of(config: ExperimentConfig, batch_size: int, with_compiled: bool) -> list[Variant]:
    """Both models, as they are and, where asked for, compiled."""
    model = {**config.era.model_dump(mode="json"), "dropout": 0.0}
    arguments = {"model": model, "batch_size": batch_size, "seed": config.seed}
    return [
        Variant(
            f"{name}_compiled" if is_compiled else name,
            target,
            {**arguments, "is_compiled": is_compiled},
            imports=("torch", "transformers"),
        )
        for is_compiled in ((False, True) if with_compiled else (False,))
        for name, target in TARGETS.items()
    ]


def ours(*, model: dict[str, Any], batch_size: int, seed: int, is_compiled: bool) -> Workload:
    """Our model and torch's cross-entropy. Called in a process of its own."""
    config = EraTransformerConfig(**model)
    made = build.make_model(config, torch.device("cpu"), seed).train()

    def loss_of(tokens: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(made(tokens).flatten(0, 1), targets.flatten())

    return _workload(made, loss_of, config, batch_size, is_compiled)


def gpt2(*, model: dict[str, Any], batch_size: int, seed: int, is_compiled: bool) -> Workload:
    """GPT-2 with our weights and its own loss; its position table holds our sinusoids and is not trained."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = EraTransformerConfig(**model)
    made = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.max_seq_len,
            n_embd=config.d_model,
            n_layer=config.n_layers,
            n_head=config.n_heads,
            n_inner=config.d_ffn,
            activation_function="gelu",
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    made.load_state_dict(gpt2_weights(build.make_model(config, torch.device("cpu"), seed)))
    made.transformer.wpe.weight.requires_grad_(False)
    made.train()

    def loss_of(tokens: Tensor, targets: Tensor) -> Tensor:
        # Our targets are shifted already; GPT-2 would shift its labels itself and lose the last one.
        return made(tokens, labels=targets, shift_labels=targets, use_cache=False).loss

    return _workload(made, loss_of, config, batch_size, is_compiled)


def gpt2_weights(model: EraTransformer) -> dict[str, Tensor]:
    """A phase 3's weights under GPT-2's names; its matrices are ours transposed."""
    assert model.norm is not None
    weights: dict[str, Any] = {
        "transformer.wte.weight": model.token_embedding.weight * math.sqrt(model.config.d_model),
        "transformer.wpe.weight": model.get_buffer("sinusoids"),
        "transformer.ln_f.weight": model.norm.weight,
        "transformer.ln_f.bias": model.norm.bias,
        "lm_head.weight": model.head.weight,
    }
    for number, block in enumerate(model.blocks):
        attention, inner = block.attention, block.feed_forward
        three = (attention.query, attention.key, attention.value)
        pairs: dict[str, tuple[Any, Any]] = {
            "ln_1": (block.norm_1.weight, block.norm_1.bias),
            "attn.c_attn": (torch.cat([p.weight for p in three]).T, torch.cat([p.bias for p in three])),
            "attn.c_proj": (attention.output.weight.T, attention.output.bias),
            "ln_2": (block.norm_2.weight, block.norm_2.bias),
            "mlp.c_fc": (inner.up.weight.T, inner.up.bias),
            "mlp.c_proj": (inner.output.weight.T, inner.output.bias),
        }
        for name, (weight, bias) in pairs.items():
            weights[f"transformer.h.{number}.{name}.weight"] = weight
            weights[f"transformer.h.{number}.{name}.bias"] = bias
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _workload(
    model: nn.Module,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    config: EraTransformerConfig,
    batch_size: int,
    is_compiled: bool,
) -> Workload:
    """Forward, backward, clipping, the same AdamW, and the loss read: a whole step on the same random tokens."""
    context = config.max_seq_len
    generator = torch.Generator().manual_seed(0)
    windows = torch.randint(config.vocab_size, (batch_size, context + 1), generator=generator)
    tokens, targets = windows[:, :-1].contiguous(), windows[:, 1:].contiguous()
    optimizer = build_optimizer(model, TRAINING)
    function = torch.compile(loss_of, dynamic=False) if is_compiled else loss_of

    def step() -> float:
        loss = function(tokens, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    num_tokens = batch_size * context
    return Workload(
        step,
        items_per_step=num_tokens,
        flops_per_step=flops_per_token(config, context) * num_tokens,
        dtype="float32",
        facts={"parameters": sum(parameter.numel() for parameter in model.parameters()), "context": context},
    )
