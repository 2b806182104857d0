"""How large the recurrent models are, from their configs alone. Imports no torch."""

from mlmodels.recurrent.config import CellName, RecurrentClassifierConfig, RecurrentLanguageModelConfig

_NUM_GATES: dict[CellName, int] = {"lstm": 4, "gru": 3, "rnn": 1}


def recurrent_weights(config: RecurrentLanguageModelConfig | RecurrentClassifierConfig) -> int:
    """Weights of the recurrent layers that every token is multiplied with; no biases, no normalisation."""
    hidden, directions = config.hidden_size, config.num_directions
    num_weights, inputs = 0, config.embedding_size
    for _ in range(config.num_layers):
        num_weights += directions * _NUM_GATES[config.cell] * hidden * (inputs + hidden)
        inputs = directions * hidden
    return num_weights


def count_parameters(config: RecurrentLanguageModelConfig | RecurrentClassifierConfig) -> dict[str, int]:
    """Number of parameters of each part; "total" is what the built model holds."""
    directions, num_outputs = config.num_directions, _num_outputs(config)
    vector = config.num_layers * directions * _NUM_GATES[config.cell] * config.hidden_size
    parts = {
        "embedding": config.vocab_size * config.embedding_size,
        "recurrent": recurrent_weights(config) + 2 * vector,
        "norms": 4 * vector if config.layer_norm else 0,
        "head": num_outputs * (directions * config.hidden_size + 1),
    }
    return {**parts, "total": sum(parts.values())}


def flops_per_token(config: RecurrentLanguageModelConfig | RecurrentClassifierConfig) -> float:
    """Floating-point operations, forward and backward, of one token.

    Two for every multiply-add, backward twice the forward: 6 for each weight of a product. A classifier's head
    reads once a sequence and is left out, as are elementwise work and the embedding, which is a lookup.
    """
    head = 0
    if isinstance(config, RecurrentLanguageModelConfig):
        head = config.hidden_size * config.vocab_size
    return 6.0 * (recurrent_weights(config) + head)


def _num_outputs(config: RecurrentLanguageModelConfig | RecurrentClassifierConfig) -> int:
    if isinstance(config, RecurrentLanguageModelConfig):
        return config.vocab_size
    return config.num_classes
