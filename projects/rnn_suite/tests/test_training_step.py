"""What this project adds to the core: a trainer for models that return a state, and the search's space."""

import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.config import load_config
from mlcore.device import get_best_device
from mlcore.search.config import SearchConfig
from mlcore.search.space_check import dimensions_of
from mldata.prepared_text import load_split
from mldata.text import load_text
from mldata.tokenizers import load_tokenizer, train_tokenizer
from mlmodels.recurrent.config import RecurrentLanguageModelConfig
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from rnn_suite import acceleration, build
from rnn_suite.config import ExperimentConfig, RecurrentTrainingConfig
from rnn_suite.trainer import RecurrentTrainer
from rnn_suite.tuning import training_step

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def trainer() -> RecurrentTrainer:
    torch.manual_seed(3)
    config = RecurrentLanguageModelConfig(vocab_size=11, embedding_size=6, hidden_size=8, num_layers=1)
    training = RecurrentTrainingConfig(mixed_precision="off")
    return RecurrentTrainer(RecurrentLanguageModel(config), training, device="cpu")


def padded_batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    windows = torch.randint(11, (4, 8), generator=generator)
    targets = windows[:, 1:].clone()
    targets[-1, 3:] = -100
    return windows[:, :-1], targets


def test_loss_and_accuracy_count_the_targets_that_are_no_padding(trainer: RecurrentTrainer) -> None:
    inputs, targets = padded_batch()
    result = trainer.validation_step((inputs, targets))
    logits, _ = trainer.model(inputs)
    counted = targets >= 0
    expected = functional.cross_entropy(logits[counted], targets[counted])
    accuracy = (logits[counted].argmax(-1) == targets[counted]).double().mean()
    torch.testing.assert_close(result.loss, expected)
    assert float(result.metrics["token_accuracy"]) == pytest.approx(float(accuracy))


def test_inference_gives_logits_and_no_state(trainer: RecurrentTrainer) -> None:
    inputs, _ = padded_batch()
    torch.testing.assert_close(trainer.inference(inputs), trainer.model.logits(inputs))


def test_a_step_of_training_can_be_timed_at_any_batch_size() -> None:
    config = load_config(ExperimentConfig, PROJECT / "configs" / "smoke.yaml")
    workload = training_step(config.model_dump(mode="json", exclude_unset=True), batch_size=4)
    workload.step()
    assert workload.items_per_step == 4 * 32


def test_every_value_of_the_search_is_one_that_the_configuration_takes() -> None:
    search = load_config(SearchConfig, PROJECT / "searches" / "quickstart.yaml")
    dimensions = dimensions_of(search, ExperimentConfig, PROJECT / "configs" / "smoke.yaml")
    assert [dimension.key for dimension in dimensions] == list(search.space)


def test_the_arguments_of_the_original_function_are_keys_of_the_data_section() -> None:
    data = {"data_source": "tinyshakespeare", "sequence_length": 25, "batch_size": 2048}
    config = ExperimentConfig.model_validate({"data": data})
    assert (config.data.dataset, config.data.sequence_length) == ("tinyshakespeare", 25)
    assert config.training.batch_size == 2048


@pytest.mark.data
def test_tinyshakespeare_is_cut_after_nine_tenths_into_67_kinds_of_tokens(data_dir: Path) -> None:
    config = load_config(
        ExperimentConfig,
        PROJECT / "configs" / "character_basic.yaml",
        overrides=[f"data.data_dir={data_dir}"],
    )
    lengths = [len("".join(load_split(config.data, split))) for split in ("train", "validation")]
    assert lengths == [1_003_854, 111_540]
    assert build.make_tokenizer(config).vocab_size == 67


@pytest.mark.data
def test_the_tokenizer_of_500_tokens_is_the_one_that_its_record_describes(data_dir: Path) -> None:
    texts = load_text("tinyshakespeare", "train", data_dir=data_dir)
    kept = load_tokenizer("tinyshakespeare_bpe_500")
    assert kept.vocab_size == 500
    assert train_tokenizer("byte_bpe", texts, 500).fingerprint == kept.fingerprint


def test_a_step_on_random_tokens_trains_without_any_data() -> None:
    config = {"model": {"hidden_size": 8, "embedding_size": 4}, "data": {"sequence_length": 6}}
    workload = acceleration.training_step(config, device="cpu", mixed_precision="off", batch_size=3)
    workload.step()
    assert workload.items_per_step == 3 * 6


def test_the_devices_that_are_compared_are_the_cpu_and_the_best_one() -> None:
    kinds = [one.arguments["device"] for one in acceleration.variants_of(ExperimentConfig(), 4)]
    assert set(kinds) == {"cpu", get_best_device().type}
    assert kinds[0] == "cpu"
