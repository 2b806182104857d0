"""A recurrent language model over characters or tokens (Mikolov et al., 2010; Graves, 2013).

B batch, T time, E embedding, H hidden units, V vocabulary.
"""

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.generation.sampling import SamplingOptions
from mlmodels.recurrent.config import RecurrentLanguageModelConfig
from mlmodels.recurrent.construction import make_stack
from mlmodels.recurrent.generation import generate
from mlmodels.recurrent.size import flops_per_token
from mlmodels.recurrent.state import State


class RecurrentLanguageModel(BaseModel):
    """Embedding, recurrent layers, linear head: logits of the token after each position.

    For training on windows that continue one another, pass the state of one to the next, detached: gradients end at
    the window's beginning, memory does not.

        logits, state = model(tokens, None if state is None else detach_state(state))
    """

    def __init__(self, config: RecurrentLanguageModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.recurrent = make_stack(config)
        self.output_dropout = nn.Dropout(config.output_dropout)
        self.head = nn.Linear(self.recurrent.output_size, config.vocab_size)

    @property
    def dim(self) -> int:
        return self.config.hidden_size

    @property
    def flops_per_token(self) -> float:
        """Operations of one token in training, see `size.flops_per_token`."""
        return flops_per_token(self.config)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Embeddings from a standard normal, recurrent layers as in `weights.initialise`, head Xavier-uniform, biases
        0: the first loss is close to ln V.
        """
        nn.init.normal_(self.embedding.weight, generator=generator)
        self.recurrent.reset_parameters(generator)
        nn.init.xavier_uniform_(self.head.weight, generator=generator)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens_BT: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits (B, T, V) and the state after the last token, from the state before the first (None: zeros).

        `tokens_BT` are integers in [0, vocab_size). A state is (L, B, H), for an LSTM a pair of them.
        """
        x_BTE = self.embedding_dropout(self.embedding(tokens_BT))
        y_BTH, state = self.recurrent(x_BTE, state)
        assert state is not None, "only padded sequences return none"
        return self.head(self.output_dropout(y_BTH)), state

    @torch.no_grad()
    def logits(self, input_ids: Tensor) -> Tensor:
        """Inference: (B, T, V) from a state of zeros, without dropout in either mode."""
        return self.next_logits(input_ids, None)[0]

    @torch.no_grad()
    def next_logits(self, input_ids: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Inference: as `forward`, without dropout in either mode and without a graph."""
        was_training = self.training
        self.eval()
        try:
            return self(input_ids, state)
        finally:
            self.train(was_training)

    def generate(
        self,
        input_ids: Tensor,
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        generator: torch.Generator | None = None,
        seed: int | None = None,
        end_id: int | None = None,
    ) -> Tensor:
        """Continue the prompts (B, T); see `generation.generate` and `SamplingOptions` for what each option means."""
        return generate(
            self,
            input_ids,
            max_new_tokens=max_new_tokens,
            options=SamplingOptions(temperature, top_k, top_p, repetition_penalty),
            generator=generator,
            seed=seed,
            end_id=end_id,
        )
