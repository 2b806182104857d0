"""Gradient bugs are planted in the source of the hand-written backward, and the gradient checks must catch
each one.

A mutation replaces one stretch of source that must occur exactly once; the module is compiled again from the
changed source and its functions take the place of the real ones, so that a mutation cannot fail to be applied
unseen.
"""

import inspect
from importlib import import_module

import pytest
from mlmodels.custom_transformer.block import Block
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.gradient_checks.model_checks import check_model
from mlmodels.gradient_checks.op_checks import UncoveredGradientError, check_op
from mlmodels.gradient_checks.report import GradientRow
from planted_bugs import Mutation

PACKAGE = "mlmodels.custom_transformer"
NUM_CASES = 20


OP_MUTATIONS = [
    Mutation("the mean's term is dropped", "layer_norm", "dnormed - through_mean - ", "dnormed - "),
    Mutation("the variance's term is dropped", "layer_norm", " - through_variance)", ")"),
    Mutation("the deviation is forgotten", "layer_norm", ") * cache.inverse_deviation", ")"),
    Mutation("the weight is forgotten", "layer_norm", "else dy * weight_D", "else dy"),
    Mutation(
        "the bias is summed over the wrong axis", "layer_norm", "dy_ND.sum(dim=0) if", "dy_ND.sum(dim=1) if"
    ),
    Mutation(
        "the scale is missing",
        "attention",
        "dscores_BHST = dmasked_BHST * scale",
        "dscores_BHST = dmasked_BHST",
    ),
    Mutation(
        "the causal mask is missing",
        "attention",
        "softmax_cache = softmax.forward(masked_BHST)",
        "_ = softmax.forward(masked_BHST); _, softmax_cache = softmax.forward(scores_BHST)",
    ),
    Mutation(
        "dropout is missing in backward",
        "attention",
        "dropout.backward(dweights_BHST, cache.dropout)",
        "dweights_BHST",
    ),
    Mutation(
        "the keys are taken for the queries",
        "attention",
        "dscores_BHST.mT @ cache.q_BHSK",
        "dscores_BHST.mT @ cache.k_BHTK[:, :, -cache.q_BHSK.shape[2] :]",
    ),
    Mutation(
        "the values see weights before dropout",
        "attention",
        "cache.weights_BHST.mT @",
        "cache.softmax.y.mT @",
    ),
    Mutation("the sum's term is dropped", "softmax", "(dy - through_sum)", "dy"),
    Mutation(
        "the slope is that of the tanh form",
        "gelu",
        "phi = 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))",
        "phi = 0.5 * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))",
    ),
    Mutation("the density's term is dropped", "gelu", "(phi + x * density)", "phi"),
    Mutation(
        "the gradient passes where x is negative",
        "relu",
        "torch.where(cache.is_positive, dy, torch.zeros_like(dy))",
        "dy",
    ),
    Mutation("the bias is summed over the wrong axis", "linear", "dy_NO.sum(dim=0, ", "dy_NO.sum(dim=1, "),
    Mutation("the weight is not transposed", "linear", "(d_NO.T @ cache.x_NI)", "(cache.x_NI.T @ d_NO)"),
    Mutation("the loss is not divided by the count", "cross_entropy", "(dloss / cache.num_counted)", "dloss"),
    Mutation(
        "ignored targets count",
        "cross_entropy",
        "num_counted) * cache.counts_N1",
        "num_counted).expand(cache.counts_N1.shape)",
    ),
    Mutation(
        "the target's share is dropped",
        "cross_entropy",
        "(1.0 - smoothing) * dexpected_N1",
        "0.0 * dexpected_N1",
    ),
    Mutation("smoothing is forgotten", "cross_entropy", "smoothing / vocab_size * dexpected_N1", "0.0"),
    Mutation(
        "a repeated token is overwritten",
        "embedding",
        "dweight_VD.index_add_(0, cache.tokens_BT.reshape(-1), dy_ND)",
        "dweight_VD[cache.tokens_BT.reshape(-1)] = dy_ND",
    ),
    Mutation("only the first of the batch counts", "position_embedding", ".sum(dim=0)", "[0]"),
    Mutation(
        "the start is forgotten",
        "position_embedding",
        "slice(cache.start, cache.start + dy_BTD.shape[1])",
        "slice(0, dy_BTD.shape[1])",
    ),
    Mutation(
        "the mask is not applied",
        "dropout",
        "return dy * cache.mask * cache.scale",
        "return dy * cache.scale",
    ),
    Mutation(
        "the scale is not applied",
        "dropout",
        "return dy * cache.mask * cache.scale",
        "return dy * cache.mask",
    ),
    Mutation(
        "the stream gets half",
        "residual",
        "return dy.to(cache.stream_dtype)",
        "return 0.5 * dy.to(cache.stream_dtype)",
    ),
]

BLOCK_MUTATIONS = [
    Mutation(
        "the attention branch's gradient is dropped", "block", "return dx_BTD + dx1_BTD", "return dx_BTD"
    ),
    Mutation(
        "the attention stream's gradient is dropped", "block", "return dx_BTD + dx1_BTD", "return dx1_BTD"
    ),
    Mutation(
        "the feed-forward branch's gradient is dropped",
        "block",
        "dx_BTD = dx_BTD + dx2_BTD",
        "dx_BTD = dx_BTD",
    ),
    Mutation(
        "queries and keys are exchanged",
        "block",
        "dqkv_BTE = torch.cat(attention.backward(da_BTD, cache.attention), dim=-1)",
        "dq, dk, dv = attention.backward(da_BTD, cache.attention); "
        "dqkv_BTE = torch.cat([dk, dq, dv], dim=-1)",
    ),
    Mutation(
        "dropout is missing in backward", "block", "dropout.backward(df_BTD, cache.dropout_2)", "df_BTD"
    ),
    Mutation(
        "the activation is missing in backward",
        "block",
        "dh_BTF = gelu.backward(dh_BTF, cache.activation)",
        "pass",
    ),
    Mutation("a bias gets no gradient", "block", "        add_gradient(self.up.bias, dbias)\n", ""),
]

MODEL_MUTATIONS = [
    Mutation(
        "the tied head's gradient is not added",
        "model",
        "        add_gradient(self.head.weight, dweight)\n",
        "        if not self.config.tie_weights:\n            add_gradient(self.head.weight, dweight)\n",
    ),
    Mutation(
        "the final norm is missing in backward",
        "model",
        "dx_BTD, dnorm_weight, dnorm_bias = layer_norm.backward(",
        "_, dnorm_weight, dnorm_bias = layer_norm.backward(",
    ),
    Mutation("the blocks run forwards in backward", "model", "in reversed(self.blocks):", "in self.blocks:"),
    Mutation(
        "dropout of the embedding is missing",
        "model",
        "dx_BTD = dropout.backward(dx_BTD, tape.dropout)\n",
        "pass\n",
    ),
]

ACCUMULATION_MUTATION = Mutation(
    "the second gradient replaces the first",
    "gradients",
    "parameter.grad += gradient",
    "parameter.grad = gradient",
)


def mutated_namespace(mutation: Mutation, module_name: str) -> dict[str, object]:
    """The module's names, compiled from its source with the bug in it."""
    module = import_module(module_name)
    source = inspect.getsource(module)
    assert mutation.new != mutation.old
    namespace: dict[str, object] = {"__name__": module_name, "__file__": module.__file__}
    exec(compile(mutation.applied_to(source), str(module.__file__), "exec"), namespace)
    return namespace


def fails(rows: list[GradientRow]) -> bool:
    assert rows
    return not all(row.passed for row in rows)


def model_check_fails() -> bool:
    try:
        return fails(check_model(num_cases=NUM_CASES, num_difference_cases=2, dtypes=["float64"]))
    except UncoveredGradientError:
        return True


@pytest.mark.parametrize("mutation", OP_MUTATIONS, ids=str)
def test_a_bug_in_an_op_is_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{PACKAGE}.ops.{mutation.source}"
    namespace = mutated_namespace(mutation, name)
    for function in ("forward", "backward"):
        monkeypatch.setattr(import_module(name), function, namespace[function])
    try:
        caught = fails(check_op(mutation.source, num_cases=NUM_CASES, dtypes=["float64"]))
    except RuntimeError:  # a shape that does not fit is caught as well
        caught = True
    assert caught, f"nothing noticed that {mutation.bug}"


@pytest.mark.parametrize("mutation", OP_MUTATIONS, ids=str)
def test_a_bug_in_an_op_is_caught_by_float32_alone(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{PACKAGE}.ops.{mutation.source}"
    namespace = mutated_namespace(mutation, name)
    for function in ("forward", "backward"):
        monkeypatch.setattr(import_module(name), function, namespace[function])
    try:
        caught = fails(check_op(mutation.source, num_cases=NUM_CASES, dtypes=["float32"]))
    except RuntimeError:
        caught = True
    assert caught, f"nothing noticed that {mutation.bug}"


@pytest.mark.parametrize("mutation", BLOCK_MUTATIONS, ids=str)
def test_a_bug_in_a_block_is_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = mutated_namespace(mutation, f"{PACKAGE}.block")["Block"]
    assert isinstance(mutant, type)
    monkeypatch.setattr(Block, "backward", mutant.__dict__["backward"])
    assert model_check_fails(), f"nothing noticed that {mutation.bug}"


@pytest.mark.parametrize("mutation", MODEL_MUTATIONS, ids=str)
def test_a_bug_in_the_model_is_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = mutated_namespace(mutation, f"{PACKAGE}.model")["CustomTransformer"]
    assert isinstance(mutant, type)
    monkeypatch.setattr(CustomTransformer, "backward", mutant.__dict__["backward"])
    assert model_check_fails(), f"nothing noticed that {mutation.bug}"


def test_a_bug_in_adding_gradients_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = mutated_namespace(ACCUMULATION_MUTATION, f"{PACKAGE}.gradients")["add_gradient"]
    monkeypatch.setattr(f"{PACKAGE}.model.add_gradient", mutant)
    assert model_check_fails()


def test_the_unchanged_code_passes_the_same_checks() -> None:
    for name in sorted({mutation.source for mutation in OP_MUTATIONS}):
        assert not fails(check_op(name, num_cases=NUM_CASES, dtypes=["float64", "float32"]))
    assert not model_check_fails()


def test_recompiling_unchanged_source_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = Mutation("a comment", "softmax", '"""Return dx."""', '"""Return dx, unchanged."""')
    namespace = mutated_namespace(harmless, f"{PACKAGE}.ops.softmax")
    for function in ("forward", "backward"):
        monkeypatch.setattr(import_module(f"{PACKAGE}.ops.softmax"), function, namespace[function])
    assert not fails(check_op("softmax", num_cases=NUM_CASES, dtypes=["float64"]))
