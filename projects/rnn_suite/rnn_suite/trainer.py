"""The shared training loop around a model that also returns its state."""

from collections.abc import Mapping
from typing import Any

from mlcore.trainer.language_model import IGNORE_INDEX, LanguageModelTrainer
from mlcore.trainer.protocols import Loader
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from mlmodels.recurrent.state import State, detach_state, state_to
from torch import Tensor


class RecurrentTrainer(LanguageModelTrainer):
    """Windows that are shuffled begin with a state of zeros. With `is_stateful` row r of a batch continues row r of the
    batch before: its window begins with the state in which that one ended, without its history (truncated
    backpropagation through time: Williams and Peng, 1990). An epoch and a validation each begin without memory.

    The metric "token_accuracy" is the share of targets that are the likeliest token; in training it is that of each
    batch just before the update which the batch causes, with dropout on.
    """

    model: RecurrentLanguageModel
    is_stateful = False
    _state: State | None = None

    def train_epoch(self, train_loader: Loader) -> dict[str, float]:
        """As in the core; an epoch begins without memory."""
        if self.progress.position == 0:
            self._state = None
        return super().train_epoch(train_loader)

    def validate_epoch(self, val_loader: Loader) -> dict[str, float]:
        """As in the core; the state of the training waits meanwhile."""
        waiting, self._state = self._state, None
        try:
            return super().validate_epoch(val_loader)
        finally:
            self._state = waiting

    def carried_state(self) -> State | None:
        """The state in which the last window ended, (L, B, H) or a pair of them."""
        return self._state

    def restore_carried_state(self, state: State | None) -> None:
        """Go on with it."""
        if state is not None:
            state = state_to(state, self.device)
        self._state = state

    def forward_pass(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean loss and logits."""
        inputs, targets = batch
        logits, state = self.model(inputs, self._state)
        if self.is_stateful:
            self._state = detach_state(state)
        return self.criterion(logits, targets), logits  # type: ignore[operator]

    def compute_metrics(self, outputs: Tensor, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """A tensor, so that nothing waits for it."""
        targets = batch[1]
        is_right = outputs.argmax(dim=-1) == targets
        return {"token_accuracy": is_right.sum() / (targets != IGNORE_INDEX).sum()}

    def inference(self, inputs: Any) -> Tensor:
        """Logits (B, T, V)."""
        logits, _ = super().inference(inputs)
        return logits


class UnbrokenReader:
    """A language model that reads one text window after window: each begins with the state in which the one before it
    ended, so the windows together are one long pass. A new text wants a new reader.

    It evaluates and writes samples as the model itself does (`mlcore.evaluator`'s protocol).
    """

    def __init__(self, model: RecurrentLanguageModel) -> None:
        self.model = model
        self._state: State | None = None

    def logits(self, input_ids: Tensor) -> Tensor:
        """(B, T, V) of the next window."""
        logits, self._state = self.model.next_logits(input_ids, self._state)
        return logits

    def generate(self, input_ids: Tensor, **options: Any) -> Tensor:
        """As `RecurrentLanguageModel.generate`; a prompt begins without memory."""
        return self.model.generate(input_ids, **options)
