"""Dynamic evaluation (Krause et al., 2018): the model goes on learning from the text that it is judged on, but only
from what has been judged already.

B batch, T time, V vocabulary.
"""

from pathlib import Path

import torch
from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.evaluator import AdvancedEvaluator, read_evaluation, write_evaluation
from mlcore.evaluator.evaluation_file import FILE_NAME
from mlcore.evaluator.language_metrics import LanguageMetrics
from mlcore.text_experiment.checkpoints import read_text_checkpoint
from mlcore.training_run import checkpoint_to_evaluate
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from mlmodels.recurrent.state import State, detach_state
from torch import Tensor, nn
from torch.nn import functional

from rnn_suite import build
from rnn_suite.config import ExperimentConfig
from rnn_suite.trainer import UnbrokenReader

MAX_GRAD_NORM = 1.0


def evaluate_dynamically(config: ExperimentConfig, options: Options) -> None:
    """Judge a checkpoint so; what comes out stands in evaluation.json as `dynamic`, beside what is there already.

    Raises:
        ConfigError: samples are asked for too.
    """
    if options.extra["generate"]:
        raise ConfigError(
            "--dynamic judges and writes no samples: leave --generate to an evaluation of its own"
        )
    run, checkpoint, settings = options.run_folder, checkpoint_to_evaluate(options), options.extra
    prepared = build.prepare(config, run)
    model = build.model_from(read_text_checkpoint(checkpoint, prepared.text.tokenizer), prepared.device)
    reader = LearningReader(model, settings["dynamic"], settings["decay"])
    evaluator = AdvancedEvaluator(reader, prepared.text.tokenizer, device=prepared.device)
    metrics = evaluator.evaluate(build.whole_validation(prepared), max_batches=settings["max_batches"])
    print(
        f"learning at rate {reader.rate:g}, decay {reader.decay:g}, window {config.data.sequence_length}: "
        f"loss {metrics.loss:.4f} nats per token, token accuracy {metrics.token_accuracy:.2%}, "
        f"{metrics.num_tokens:,} tokens"
    )
    if run is not None and run.evaluation_path.is_file():
        _keep(run.path, reader, metrics)


def _keep(run: Path, reader: "LearningReader", metrics: LanguageMetrics) -> None:
    content = read_evaluation(run)
    del content["schema"]
    found = {"rate": reader.rate, "decay": reader.decay, **metrics.as_dict()}
    write_evaluation(run, **{**content, "dynamic": found})
    print(f"\nrun     {run / FILE_NAME}")


class LearningReader(UnbrokenReader):
    """Reads one text window after window, as an `UnbrokenReader`. Before it gives the logits of a window it makes one
    step of gradient descent on the window before it, whose last target is the first token of this one; then every
    weight is drawn back a little to where it was in the beginning.

        θ ← θ - rate · clip(gradient) - decay · (θ - θ₀)

    A token's logits so depend on earlier tokens alone. The model that is given changes; a new text wants a new one.

    Args:
        rate: of the step.
        decay: share of the way back to the trained weights.
    """

    def __init__(self, model: RecurrentLanguageModel, rate: float, decay: float) -> None:
        super().__init__(model)
        self.rate, self.decay = rate, decay
        self._trained = [parameter.detach().clone() for parameter in model.parameters()]
        self._last_window: tuple[Tensor, State | None] | None = None

    def logits(self, input_ids: Tensor) -> Tensor:
        """(B, T, V) of the next window."""
        if self._last_window is not None:
            self._learn(*self._last_window, input_ids[:, :1])
        self._last_window = input_ids, self._state
        return super().logits(input_ids)

    def _learn(self, inputs_BT: Tensor, state: State | None, next_B1: Tensor) -> None:
        targets_BT = torch.cat([inputs_BT, next_B1], dim=1)[:, 1:]
        parameters = list(self.model.parameters())
        with torch.enable_grad():
            logits_BTV, _ = self.model(inputs_BT, None if state is None else detach_state(state))
            loss = functional.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten())
            gradients = torch.autograd.grad(loss, parameters)
        norm = nn.utils.get_total_norm(gradients)
        scale = self.rate * torch.clamp(MAX_GRAD_NORM / (norm + 1e-6), max=1.0)  # as torch clips
        with torch.no_grad():
            for parameter, gradient, trained in zip(parameters, gradients, self._trained, strict=True):
                parameter.sub_(scale * gradient).lerp_(trained, self.decay)
