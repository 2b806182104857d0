"""Phases 3 and 4 beside independent implementations: transformers' GPT-2 and Llama, and our hand-written one."""

import math

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.positions import Rotation, rotate, rotation_tables, sinusoids
from torch import Tensor

SHAPE = {"vocab_size": 53, "d_model": 24, "n_layers": 2, "n_heads": 6, "d_ffn": 40, "max_seq_len": 16}


def lively(**keys: object) -> EraTransformer:
    model = EraTransformer(EraTransformerConfig(**{**SHAPE, **keys})).eval()
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def some_tokens() -> Tensor:
    return torch.randint(53, (3, 16), generator=torch.Generator().manual_seed(1))


def test_sinusoids_are_those_of_the_paper(double: None) -> None:
    table = sinusoids(7, 10)
    for position in range(7):
        for feature in range(10):
            angle = position / 10_000 ** (feature // 2 * 2 / 10)
            expected = math.sin(angle) if feature % 2 == 0 else math.cos(angle)
            assert float(table[position, feature]) == pytest.approx(expected, abs=1e-12)


def test_phase_3_is_gpt_2_with_fixed_positions(double: None) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = lively(phase="phase_3")
    oracle = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=53,
            n_positions=16,
            n_embd=24,
            n_layer=2,
            n_head=6,
            n_inner=40,
            activation_function="gelu",
            tie_word_embeddings=False,
        )
    ).eval()
    oracle.load_state_dict(gpt2_weights(model), strict=True)
    tokens = some_tokens()
    torch.testing.assert_close(model.logits(tokens), oracle(tokens).logits.detach(), rtol=0, atol=1e-10)


def gpt2_weights(model: EraTransformer) -> dict[str, Tensor]:
    """Our weights under GPT-2's names; its matrices are ours transposed."""
    weights = {
        "transformer.wte.weight": model.token_embedding.weight * math.sqrt(24),
        "transformer.wpe.weight": model.sinusoids,
        "transformer.ln_f.weight": model.norm.weight,
        "transformer.ln_f.bias": model.norm.bias,
        "lm_head.weight": model.head.weight,
    }
    for number, block in enumerate(model.blocks):
        attention, inner = block.attention, block.feed_forward
        three = (attention.query, attention.key, attention.value)
        pairs = {
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


def test_phase_3_has_the_loss_of_the_hand_written_transformer(double: None) -> None:
    model = lively(phase="phase_3")
    shape = {"vocab_size": 53, "d_model": 24, "n_blocks": 2, "n_heads": 6, "d_ffn": 40, "max_seq_len": 16}
    own = CustomTransformer(
        CustomTransformerConfig(**shape, head_bias=False, dtype="float64", kernels="reference")
    )
    weights = {
        "token_embedding.weight": model.token_embedding.weight * math.sqrt(24),
        "position_embedding.weight": model.sinusoids,
        "norm.weight": model.norm.weight,
        "norm.bias": model.norm.bias,
        "head.weight": model.head.weight,
    }
    for number, block in enumerate(model.blocks):
        attention, inner = block.attention, block.feed_forward
        three = (attention.query, attention.key, attention.value)
        for name, (weight, bias) in {
            "norm_1": (block.norm_1.weight, block.norm_1.bias),
            "qkv": (torch.cat([p.weight for p in three]), torch.cat([p.bias for p in three])),
            "project": (attention.output.weight, attention.output.bias),
            "norm_2": (block.norm_2.weight, block.norm_2.bias),
            "up": (inner.up.weight, inner.up.bias),
            "down": (inner.output.weight, inner.output.bias),
        }.items():
            weights |= {f"blocks.{number}.{name}.weight": weight, f"blocks.{number}.{name}.bias": bias}
    own.load_state_dict({name: tensor.detach().clone() for name, tensor in weights.items()})
    tokens = some_tokens()
    torch.testing.assert_close(model.logits(tokens), own.logits(tokens), rtol=0, atol=1e-10)


def test_rotations_are_llamas() -> None:
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    generator = torch.Generator().manual_seed(2)
    q, k = (torch.randn(2, heads, 9, 8, generator=generator) for heads in (4, 2))
    tables = rotation_tables(9, 8, 10_000.0)
    expected = apply_rotary_pos_emb(q, k, tables.cosines_TK[None], tables.sines_TK[None])
    for found, wanted in zip((rotate(q, tables), rotate(k, tables)), expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_rotated_scores_depend_on_distances_alone(double: None) -> None:
    generator = torch.Generator().manual_seed(2)
    q, k = torch.randn(2, 1, 1, 1, 8, generator=generator)
    tables = rotation_tables(20, 8, 10_000.0)

    def at(x: Tensor, position: int) -> Tensor:
        return rotate(x, Rotation(*(table[position : position + 1] for table in tables)))

    scores = [float((at(q, start + 5) * at(k, start)).sum()) for start in range(15)]
    assert scores == pytest.approx([scores[0]] * 15, abs=1e-12)
    assert abs(scores[0] - float((at(q, 4) * at(k, 0)).sum())) > 1e-3


def test_phase_4_is_llama() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    model = lively(phase="phase_4", n_kv_heads=2)
    oracle = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=53,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=6,
            num_key_value_heads=2,
            max_position_embeddings=16,
            rms_norm_eps=1e-5,
            tie_word_embeddings=False,
        )
    ).eval()
    weights = {
        "model.embed_tokens.weight": model.token_embedding.weight,
        "model.norm.weight": model.norm.weight,
        "lm_head.weight": model.head.weight,
    }
    for number, block in enumerate(model.blocks):
        attention, inner = block.attention, block.feed_forward
        for name, layer in {
            "input_layernorm": block.norm_1,
            "self_attn.q_proj": attention.query,
            "self_attn.k_proj": attention.key,
            "self_attn.v_proj": attention.value,
            "self_attn.o_proj": attention.output,
            "post_attention_layernorm": block.norm_2,
            "mlp.gate_proj": inner.gate,
            "mlp.up_proj": inner.up,
            "mlp.down_proj": inner.output,
        }.items():
            weights[f"model.layers.{number}.{name}.weight"] = layer.weight
    oracle.load_state_dict({name: tensor.detach().clone() for name, tensor in weights.items()}, strict=True)
    tokens = some_tokens()
    expected = oracle(tokens).logits.detach()
    # Llama computes its norms and rotations in float32 whatever the model's dtype.
    torch.testing.assert_close(
        model.logits(tokens), expected, rtol=0, atol=1e-5 * float(expected.abs().max())
    )
