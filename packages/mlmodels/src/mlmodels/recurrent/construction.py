"""From a config to its recurrent stack."""

from mlmodels.recurrent.config import CellName, RecurrentClassifierConfig, RecurrentLanguageModelConfig
from mlmodels.recurrent.stacks import GRU, LSTM, RecurrentStack, VanillaRNN

STACKS: dict[CellName, type[RecurrentStack]] = {"lstm": LSTM, "gru": GRU, "rnn": VanillaRNN}


def make_stack(config: RecurrentLanguageModelConfig | RecurrentClassifierConfig) -> RecurrentStack:
    """The stack between embedding and head: (B, T, embedding_size) → (B, T, D·hidden_size)."""
    return STACKS[config.cell](
        config.embedding_size,
        config.hidden_size,
        config.num_layers,
        dropout=config.dropout,
        bidirectional=config.bidirectional,
        layer_norm=config.layer_norm,
        batch_first=True,
        kernels=config.kernels,
    )
