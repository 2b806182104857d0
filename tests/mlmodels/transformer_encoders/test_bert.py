"""BERT beside transformers' of the same weights; padding changes nothing, and every token sees every other."""

import pytest
import torch
from mlmodels.transformer_encoders.classifier import BertClassifier
from mlmodels.transformer_encoders.config import BertClassifierConfig, BertConfig
from mlmodels.transformer_encoders.masked_language_model import Bert
from mlmodels.transformer_encoders.size import count_parameters, flops_per_token
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional

SHAPE = {"vocab_size": 50, "d_model": 24, "n_layers": 2, "n_heads": 3, "d_ffn": 40, "max_seq_len": 16}
LENGTHS = torch.tensor([11, 4, 1])


def stirred(model: nn.Module) -> nn.Module:
    """Every parameter moved, so that each of them matters."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


def some_tokens(rows: int = 3, length: int = 11) -> Tensor:
    return torch.randint(1, 50, (rows, length), generator=torch.Generator().manual_seed(1))


def their_config(num_positions: int) -> object:
    from transformers import BertConfig as TheirConfig

    return TheirConfig(
        vocab_size=51,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
        max_position_embeddings=num_positions,
        type_vocab_size=2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=4,
    )


def layers_by_their_names(model: Bert | BertClassifier) -> dict[str, nn.Module]:
    body = model.body
    names: dict[str, nn.Module] = {
        "bert.embeddings.word_embeddings": body.token_embedding,
        "bert.embeddings.position_embeddings": body.position_embedding,
        "bert.embeddings.token_type_embeddings": body.segment_embedding,
        "bert.embeddings.LayerNorm": body.embedding_norm,
    }
    for number, block in enumerate(body.encoder.blocks):
        place = f"bert.encoder.layer.{number}"
        names |= {
            f"{place}.attention.self.query": block.attention.query,
            f"{place}.attention.self.key": block.attention.key,
            f"{place}.attention.self.value": block.attention.value,
            f"{place}.attention.output.dense": block.attention.output,
            f"{place}.attention.output.LayerNorm": block.norm_1,
            f"{place}.intermediate.dense": block.feed_forward.up,
            f"{place}.output.dense": block.feed_forward.output,
            f"{place}.output.LayerNorm": block.norm_2,
        }
    if isinstance(model, Bert):
        names |= {
            "cls.predictions.transform.dense": model.transform,
            "cls.predictions.transform.LayerNorm": model.transform_norm,
        }
    else:
        names |= {"bert.pooler.dense": model.pooler, "classifier": model.head}
    return names


def their_parameters(model: Bert | BertClassifier) -> dict[str, nn.Parameter]:
    """Our parameters under transformers' names, those of its head for the mask aside."""
    layers = layers_by_their_names(model)
    return {f"{name}.{kind}": p for name, layer in layers.items() for kind, p in layer.named_parameters()}


def copied(parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in parameters.items()}


def compare_gradients(ours: dict[str, nn.Parameter], oracle: nn.Module) -> None:
    theirs = dict(oracle.named_parameters())
    assert len(ours) > 30
    for name, parameter in ours.items():
        torch.testing.assert_close(parameter.grad, theirs[name].grad, rtol=0, atol=1e-12, msg=name)


def test_the_masked_model_is_berts_forwards_and_backwards(double: None) -> None:
    from transformers import BertForMaskedLM

    model = stirred(Bert(BertConfig(**SHAPE, num_segments=2)))
    ours = their_parameters(model)
    oracle = BertForMaskedLM(their_config(16)).eval()
    # Their head also answers "mask", which ours never does: its bias is far away.
    bias = torch.cat([model.head_bias.detach(), torch.tensor([-1e30])])
    state = copied(ours) | {"cls.predictions.bias": bias, "cls.predictions.decoder.bias": bias}
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    oracle.load_state_dict(state, strict=True)
    tokens, segments = some_tokens(), (torch.arange(11) > 6).long().expand(3, -1)
    tokens[0, 3] = tokens[1, 2] = model.config.mask_id
    is_token = torch.arange(11) < LENGTHS[:, None]
    logits = model(tokens, is_token, segments)
    expected = oracle(tokens, attention_mask=is_token.long(), token_type_ids=segments).logits[..., :50]
    torch.testing.assert_close(logits[is_token], expected[is_token], rtol=0, atol=1e-11)
    targets = torch.full_like(tokens, -100)
    targets[0, 3], targets[1, 2] = 7, 30
    for answer in (logits, expected):
        functional.cross_entropy(answer.flatten(0, 1), targets.flatten()).backward()
    compare_gradients(ours, oracle)


def test_the_classifier_is_berts_whose_texts_begin_with_a_class_token(double: None) -> None:
    from transformers import BertForSequenceClassification

    model = stirred(BertClassifier(BertClassifierConfig(**SHAPE, num_classes=4, num_segments=2)))
    ours = their_parameters(model)
    oracle = BertForSequenceClassification(their_config(17)).eval()
    oracle.load_state_dict(copied(ours), strict=True)
    tokens, labels = some_tokens(), torch.tensor([0, 3, 2])
    whole = torch.cat([torch.full((3, 1), 50), tokens], dim=1)
    mask = (torch.arange(12) < LENGTHS[:, None] + 1).long()
    logits, expected = model(tokens, LENGTHS), oracle(whole, attention_mask=mask).logits
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-11)
    for answer in (logits, expected):
        functional.cross_entropy(answer, labels).backward()
    compare_gradients(ours, oracle)


@pytest.mark.parametrize("positions", ["learned", "rope"])
def test_padding_changes_not_a_bit_and_its_length_nothing(positions: str, double: None) -> None:
    model = stirred(Bert(BertConfig(**SHAPE, positions=positions)))
    tokens = some_tokens()
    is_token = torch.arange(11) < LENGTHS[:, None]
    other = torch.where(is_token, tokens, (tokens + 17) % 50)
    found = model(tokens, is_token)
    assert torch.equal(found[is_token], model(other, is_token)[is_token])
    assert not torch.equal(found[is_token], model(other)[is_token]), "without the mask it is read"
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(tokens[row : row + 1, :length])
        torch.testing.assert_close(alone[0], found[row, :length], rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
@pytest.mark.parametrize("positions", ["learned", "rope"])
def test_neither_padding_nor_the_batch_changes_what_a_text_is_taken_for(
    pooling: str, positions: str, double: None
) -> None:
    config = BertClassifierConfig(**SHAPE, pooling=pooling, positions=positions, pad_id=0)
    model = stirred(BertClassifier(config))
    tokens = some_tokens()
    padded = torch.where(torch.arange(11) < LENGTHS[:, None], tokens, 0)
    together = model(padded)
    assert torch.equal(together, model(tokens, LENGTHS)), "what stands in the padding means nothing"
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(tokens[row : row + 1, :length])
        torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-12)
    torch.testing.assert_close(model(functional.pad(padded, (0, 5))), together, rtol=0, atol=1e-12)


def test_every_position_reaches_every_logit() -> None:
    model, tokens = stirred(Bert(BertConfig(**SHAPE))), some_tokens(1)
    before = model.logits(tokens)
    for position in range(11):
        changed = tokens.clone()
        changed[0, position] = (changed[0, position] + 7) % 50
        assert (model.logits(changed) != before).any(dim=-1).all()


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (BertConfig, {}),
        (BertConfig, {"tie_weights": False, "positions": "rope", "num_segments": 2}),
        (BertConfig, {"norm_position": "pre", "norm": "rms_norm", "feed_forward": "swiglu", "bias": False}),
        (BertClassifierConfig, {}),
        (BertClassifierConfig, {"pooling": "mean", "num_segments": 3, "num_classes": 9}),
    ],
)
def test_parameters_and_operations_are_those_of_the_formula(kind: type, keys: dict) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    config = kind(**{**SHAPE, **keys})
    with torch.device("meta"):
        model = (Bert if kind is BertConfig else BertClassifier)(config)
    assert sum(p.numel() for p in model.parameters()) == count_parameters(config)["total"]
    length = 8 + (getattr(config, "pooling", None) == "class_token")
    with FlopCounterMode(display=False) as counter:
        model(torch.ones(4, 8, dtype=torch.int64, device="meta")).sum().backward()
    # A counter counts products of matrices only, the formula 6 for every parameter, biases and norms included.
    every_token, once = 0, 0
    for name, parameter in model.named_parameters():
        is_of_a_text = kind is BertClassifierConfig and name.startswith(("pooler", "head"))
        once += parameter.numel() * (parameter.ndim < 2 and is_of_a_text)
        every_token += parameter.numel() * (parameter.ndim < 2 and not is_of_a_text)
    if kind is BertConfig and config.tie_weights:
        every_token += config.d_model  # the mask's embedding
    uncounted = 6 * (every_token * length + once)
    assert counter.get_total_flops() / 4 == pytest.approx(
        flops_per_token(config, length) * length - uncounted
    )


def test_the_defaults_have_the_parameters_that_they_state() -> None:
    assert count_parameters(BertConfig())["total"] == 407_264
    assert "407,264" in (BertConfig.__doc__ or "")


def test_each_parameter_has_one_role() -> None:
    for config in (BertConfig(**SHAPE), BertConfig(**SHAPE, tie_weights=False, num_segments=2)):
        model = Bert(config)
        roles = model.parameter_roles()
        assert sum(p.numel() for group in roles.values() for p in group) == model.num_parameters()
        assert len(roles["head"]) == (0 if config.tie_weights else 1)


def test_it_begins_at_a_guess_and_is_a_function_of_the_generator() -> None:
    model = Bert(BertConfig(**SHAPE))
    logits = model.logits(some_tokens())
    assert float(functional.cross_entropy(logits.flatten(0, 1), some_tokens().flatten())) == pytest.approx(
        3.912, rel=0.05
    )
    states = []
    for seed in (1, 1, 2):
        model.init_weights(torch.Generator().manual_seed(seed))
        states.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(
    ("kind", "keys", "message"),
    [
        (BertConfig, {"n_heads": 7}, "nearest that does: 6"),
        (BertConfig, {"positions": "rope", "d_model": 15, "n_heads": 5}, "must be even, not 3"),
        (BertClassifierConfig, {"pad_id": 50}, "pad_id 50 is no token"),
        (BertConfig, {"d_modle": 3}, "d_modle"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_in_words(kind: type, keys: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        kind(**{**SHAPE, **keys})


def test_texts_that_are_too_long_and_segments_that_are_unknown_are_refused() -> None:
    model = Bert(BertConfig(**SHAPE))
    with pytest.raises(ValueError, match="17 tokens, but the model has 16 positions"):
        model(some_tokens(1, 17))
    with pytest.raises(ValueError, match="see num_segments"):
        model(some_tokens(), segments_BT=torch.zeros(3, 11, dtype=torch.int64))
