"""Classifiers of texts as a user trains and judges them, on the embedded stories."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.config import load_config
from mlcore.errors import ConfigError
from mlcore.evaluator.classification_evaluation import collect_logits
from mlcore.launcher import load_script
from mldata.labelled_text import LabelledTextBatches, load_labelled_text
from rnn_suite.classification import build
from rnn_suite.classification.baselines import bag_of_words, fit_baselines
from rnn_suite.config import ClassifierConfig
from sklearn.metrics import accuracy_score, log_loss

PROJECT = Path(__file__).resolve().parents[1]
SMALL = ("data.subset_size=300", "data.val_subset_size=60", "data.max_length=100", "training.epochs=3")
SMALL += ("training.learning_rate=0.01", "training.batch_size=10", "training.save_every=25")


def run(name: str, *words: object) -> int:
    """The exit code of a command in this process."""
    return load_script(PROJECT / f"{name}.py").main([str(word) for word in words])


def settings(*more: str) -> list[str]:
    return [word for setting in (*SMALL, *more) for word in ("--set", setting)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small classifier."""
    runs_dir = tmp_path_factory.mktemp("runs")
    assert run("train_classifier", *settings(), "--runs-dir", runs_dir, "--no-tensorboard") == 0
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    return folder


def evaluation_of(folder: Path) -> dict:
    return json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))


def test_training_is_judged_on_validation_and_evaluate_opens_the_test_texts(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = evaluation_of(trained)
    assert content["split"] == "validation"
    assert content["metrics"]["num_samples"] == 60
    assert content["metrics"]["accuracy"] > 0.5 > content["baselines"]["commonest_class"]["accuracy"]
    assert run("evaluate_classifier", "--run", trained) == 0
    content = evaluation_of(trained)
    assert (content["split"], content["metrics"]["num_samples"]) == ("test", 960)
    assert content["metrics"]["temperature_scaled"]["temperature"] > 0
    assert {entry["name"] for entry in content["metrics"]["per_class"]} >= {"animal_help", "storm"}
    printed = capsys.readouterr().out
    assert "bag of words" in printed
    assert "confusion: true class by row" in printed
    assert (trained / "report.html").stat().st_size > 5_000


def test_the_kept_predictions_are_those_that_the_accuracy_counts(trained: Path) -> None:
    assert run("evaluate_classifier", "--run", trained, "--split", "validation") == 0
    kept = json.loads((trained / "predictions.json").read_text(encoding="utf-8"))
    texts = load_labelled_text("storybook_plots", "validation", subset_size=60)
    assert kept["labels"] == list(texts.labels)
    assert kept["fingerprint"] == texts.fingerprint
    accuracy = accuracy_score(kept["labels"], kept["predictions"])
    assert evaluation_of(trained)["metrics"]["accuracy"] == pytest.approx(accuracy)


def test_neither_padding_nor_the_batch_changes_what_a_text_is_taken_for(trained: Path) -> None:
    config = load_config(ClassifierConfig, trained / "config.yaml")
    prepared = build.prepare(config)
    state = build.read_checkpoint(trained / "checkpoints" / "best.pt", prepared.tokenizer)
    model = build.model_from(state, torch.device("cpu")).double()
    lengths = prepared.validation.lengths
    assert lengths.min() < lengths.max() or prepared.validation.num_truncated
    alone, together = (
        collect_logits(model, LabelledTextBatches(prepared.validation, batch_size=size))[0]
        for size in (1, 60)
    )
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("setting", "expected", "code"),
    [
        ("model.num_classes=3", "model.num_classes is 3", 2),
        ("model.pad_id=5", "model.pad_id is 5", 2),
        ("data.dataset=storybook", "holds text, not labelled_text", 2),
        ("data.dataset=rt_polarty", "rt_polarity", 2),
        ("data.tokenizer=wrd", "wrd", 3),
        ("data.max_lenght=3", "did you mean", 2),
        ("model.n_layers=3", "recurrent_classifier", 2),
    ],
)
def test_a_mistake_costs_one_clear_line_and_makes_no_folder(
    setting: str, expected: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run("train_classifier", *settings(setting), "--runs-dir", tmp_path / "runs")
    message = capsys.readouterr().err
    assert found == code, message
    assert expected in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_run_is_not_judged_with_the_words_of_other_training_texts(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run keeps its tokenizer; a checkpoint that stands alone does not."""
    alone = shutil.copy(trained / "checkpoints" / "best.pt", tmp_path)
    words = ["--checkpoint", alone, *settings("data.min_count=1"), "--runs-dir", tmp_path]
    assert run("evaluate_classifier", "--config", "configs/classifiers/storybook_plots.yaml", *words) == 3
    assert "another tokenizer" in capsys.readouterr().err


def test_a_stopped_training_goes_on_in_the_middle_of_an_epoch_as_if_nothing_had_been(
    trained: Path,
) -> None:
    checkpoints = trained / "checkpoints"
    middle = sorted(checkpoints.glob("step_*.pt"))[0]
    position = torch.load(middle, weights_only=True)["progress"]["position"]
    assert 0 < position < 30, "in the middle of an epoch"
    config = load_config(ClassifierConfig, trained / "config.yaml")
    prepared = build.prepare(config)
    model = build.make_model(prepared.config.model, prepared.device, config.seed)
    trainer = build.make_trainer(prepared, model, run=None, logger=build.make_logger(prepared, None))
    trainer.resume(torch.load(middle, weights_only=True))
    trainer.train(*build.make_loaders(prepared))
    last = torch.load(checkpoints / "last.pt", weights_only=True)
    assert trainer.progress.step == last["progress"]["step"] == 90
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, last["model"][name]), name


def test_baselines_score_what_scikit_learn_says() -> None:
    overrides = ["data.subset_size=50", "data.val_subset_size=40", "data.max_length=12"]
    config = load_config(
        ClassifierConfig, PROJECT / "configs" / "classifiers" / "storybook_plots.yaml", overrides=overrides
    )
    prepared = build.prepare(config)
    train, texts, classes = prepared.train, prepared.validation, prepared.train_texts.classes
    found = fit_baselines(train, texts, prepared.tokenizer, classes)
    shares = np.bincount(train.labels, minlength=6) / 50
    expected = log_loss(texts.labels, np.tile(shares, (40, 1)), labels=range(6))
    assert found["commonest_class"]["loss"] == pytest.approx(expected)
    assert found["commonest_class"]["accuracy"] == pytest.approx(np.mean(texts.labels == shares.argmax()))
    probabilities = bag_of_words(train, texts, prepared.tokenizer, 6)
    assert found["bag_of_words"]["loss"] == pytest.approx(
        log_loss(texts.labels, probabilities, labels=range(6))
    )
    accuracy = accuracy_score(texts.labels, probabilities.argmax(axis=1))
    assert found["bag_of_words"]["accuracy"] == pytest.approx(accuracy)
    low, high = found["bag_of_words"]["accuracy_interval"]
    assert low <= accuracy <= high


def test_bert_learns_the_same_texts_and_is_judged_by_the_same_commands(tmp_path: Path) -> None:
    own = ("model.n_layers=1", "model.pooling=mean", "training.learning_rate=0.004", "training.epochs=5")
    words = ["--config", "configs/classifiers/bert_plots.yaml", *settings(*own), "--no-tensorboard"]
    assert run("train_classifier", *words, "--runs-dir", tmp_path) == 0
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    content = evaluation_of(folder)
    assert content["metrics"]["accuracy"] > 0.5 > content["baselines"]["commonest_class"]["accuracy"]
    assert run("evaluate_classifier", "--run", folder, "--split", "validation") == 0
    assert evaluation_of(folder)["metrics"]["accuracy"] == content["metrics"]["accuracy"]


@pytest.mark.parametrize("name", ["storybook_plots", "polarity", "ag_news"])
def test_every_configuration_is_a_bidirectional_classifier_of_registered_texts(name: str) -> None:
    config = load_config(ClassifierConfig, PROJECT / "configs" / "classifiers" / f"{name}.yaml")
    assert config.model.bidirectional
    with pytest.raises(ConfigError, match="vocab_size"):
        build.model_config_for(
            config.model_copy(update={"model": config.model.model_validate({"vocab_size": 5})}), 100, 2, 0
        )
