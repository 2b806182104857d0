"""The commands as a user runs them: one small training run, and everything that can be done with it afterwards."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mlcore.config import load_config

PROJECT = Path(__file__).resolve().parents[1]
Command = Callable[..., int]
SMOKE = ("--config", "configs/smoke.yaml", "--no-tensorboard")


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(run: Command, runs_dir: Path) -> Path:
    """A finished run of the smoke configuration."""
    assert run("train", *SMOKE, "--runs-dir", str(runs_dir)) == 0
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    return folder


def evaluation_of(folder: Path) -> dict:
    return json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))


def test_training_judges_itself_on_validation_images_alone(trained: Path) -> None:
    content = evaluation_of(trained)
    assert content["split"] == "validation"
    assert content["metrics"]["num_samples"] == 800
    assert content["metrics"]["accuracy"] > 0.2  # chance is 0.1, and its deviation of 800 images 0.011


def test_evaluate_opens_the_test_images_and_spoils_copies_of_them(
    run: Command, trained: Path, runs_dir: Path
) -> None:
    words = ("--run", "smoke", "--runs-dir", str(runs_dir), "--corruptions")
    assert run("evaluate", *words, "--set", "evaluation.test_time_augmentation=flip") == 0
    content = evaluation_of(trained)
    assert content["split"] == "test"
    metrics = content["metrics"]
    assert [entry["support"] for entry in metrics["per_class"]] == [100] * 10
    predictions = json.loads((trained / "predictions.json").read_text())
    hits = sum(a == b for a, b in zip(predictions["labels"], predictions["predictions"], strict=True))
    assert hits / 1000 == pytest.approx(metrics["accuracy"])
    robustness = content["robustness"]
    assert robustness["clean"] == content["accuracy_without_views"]
    assert {kind: len(entries) for kind, entries in robustness["kinds"].items()} == {
        "noise": 5, "blur": 5, "brightness": 5, "contrast": 5,
    }  # fmt: skip
    assert "Spoilt copies" in (trained / "report.html").read_text(encoding="utf-8")


def test_the_pictures_of_a_run_stand_in_its_report(run: Command, trained: Path, runs_dir: Path) -> None:
    for command in ("visualize_failures", "visualize_filters"):
        assert run(command, "--run", "smoke", "--runs-dir", str(runs_dir)) == 0
    names = {path.stem for path in (trained / "figures").glob("*.png")}
    assert names >= {
        "failures",
        "confusion",
        "failure_clusters",
        "heat_maps",
        "neighbours",
        "activation_maps",
    }
    assert {"filters_conv1", "filters_conv2", "favourites_conv1"} <= names


def test_sheets_show_the_configured_augmentation_and_each_kind_that_is_asked_for(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "--config",
        "configs/smoke.yaml",
        "--set",
        "data.augmentation.cutout=5",
        "--output",
        str(tmp_path),
    )
    assert run("augmentations", *words, "--kind", "configured", "--kind", "mixup") == 0
    assert {path.stem for path in tmp_path.glob("*.png")} == {"configured", "mixup"}
    assert run("augmentations", *words, "--kind", "mixupp") == 2
    assert "rand_augment" in capsys.readouterr().err


def test_a_curriculum_begins_with_the_images_that_an_earlier_run_found_easiest(
    run: Command, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = f"data.curriculum={{scores: {trained}, start: 0.1, epochs: 2, pacing: step, stages: 2}}"
    words = (*SMOKE, "--set", described, "--runs-dir", str(tmp_path), "--set", "training.epochs=1")
    assert run("train", *words) == 0
    (folder,) = tmp_path.iterdir()
    monkeypatch.syspath_prepend(str(PROJECT))
    from cifar_cnn import build
    from cifar_cnn.config import ExperimentConfig

    config = load_config(ExperimentConfig, folder / "config.yaml")
    assert config.data.curriculum is not None
    assert config.data.curriculum.scores == str(trained), "the run keeps the very folder"
    prepared = build.prepare(config)
    classifier = build.read_classifier(trained / "checkpoints" / "best.pt", torch.device("cpu"))
    images = prepared.train
    probabilities = classifier.predict(images).softmax(dim=1)[torch.arange(len(images)), images.labels]
    expected = set()
    for label in range(10):
        mine = (images.labels == label).nonzero().flatten()
        easiest = probabilities[mine].argsort(descending=True)[: len(mine) // 12]
        expected |= set(mine[easiest].tolist())
    assert prepared.curriculum is not None
    pool = set(prepared.curriculum.pool(0).tolist())
    assert len(pool) == 320
    assert expected <= pool, "of every class the images with the most probable labels"


QUICK = (
    *SMOKE,
    "--set",
    "training.steps=12",
    "--set",
    "training.epochs=null",
    "--set",
    "training.batch_size=16",
)


SMALL_VIT = ("model.type=vit", "model.d_model=16", "model.n_layers=1", "model.d_ffn=16")


@pytest.mark.parametrize(
    "model",
    [
        ("model.type=speed_net", "model.widths=[8, 8]"),
        ("model.type=resnet20", "model.width=4", "model.checkpointing=true"),
        (*SMALL_VIT, "model.positions=sine_2d"),
        ("model.type=simple_cnn", "data.augmentation.mixup=0.2", "data.augmentation.cutmix=1.0"),
    ],
    ids=lambda words: words[0],
)
def test_every_family_trains_and_is_read_back(run: Command, tmp_path: Path, model: tuple[str, ...]) -> None:
    base = [words for words in QUICK if not words.startswith("model.")]
    settings = [part for word in model for part in ("--set", word)]
    config = tmp_path / "family.yaml"
    config.write_text(
        "name: family\npreflight: false\ndata: {train_split: 0.9}\ntraining: {monitor: train_loss}\n"
    )
    words = [str(config) if word == "configs/smoke.yaml" else word for word in base]
    assert run("train", *words, *settings, "--runs-dir", str(tmp_path / "runs")) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    summary = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert summary["steps"] == 12
    assert summary["flops_per_item"] > 1e5
    assert evaluation_of(folder)["metrics"]["num_samples"] == 400
    if "vit" in model[0]:
        show_what_a_vit_looks_at(run, folder)


def test_the_first_epochs_are_small_and_validation_is_not(run: Command, tmp_path: Path) -> None:
    small = ("data.progressive_resizing={sizes: [16], epochs: [1]}", "training.epochs=2")
    settings = [part for word in small for part in ("--set", word)]
    assert run("train", *SMOKE, *settings, "--runs-dir", str(tmp_path / "runs")) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    summary = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert summary["flops_per_item"] is None
    assert evaluation_of(folder)["metrics"]["num_samples"] > 0


def show_what_a_vit_looks_at(run: Command, folder: Path) -> None:
    """Its patches as filters, and Grad-CAM of its last block as heat maps."""
    from cifar_cnn import build
    from cifar_cnn.config import ExperimentConfig
    from mlcore.image_classification.failures import Judged, heat_maps

    assert run("visualize_filters", "--run", str(folder)) == 0
    names = {path.stem for path in (folder / "figures").glob("*.png")}
    assert names == {"filters_patches", "favourites_patches"}
    config = load_config(ExperimentConfig, folder / "config.yaml")
    classifier = build.read_classifier(folder / "checkpoints" / "best.pt", torch.device("cpu"))
    images = build.load_split(config.data, "test").subset(range(40))
    _, title, caption = heat_maps(Judged(classifier, images, classifier.predict(images), 8), images)
    assert title == "Grad-CAM of mistakes"
    assert "before the last block" in caption


def test_two_heads_are_trained_judged_and_read_back(run: Command, tmp_path: Path) -> None:
    settings = (
        "data.attributes=[colour]",
        "training.loss_weights={colour: 0.5}",
        "training.epochs=4",
        "training.mixed_precision=off",  # two sizes of batches, whose sums bfloat16 would round differently
    )
    words = [part for word in settings for part in ("--set", word)]
    assert run("train", *SMOKE, *words, "--runs-dir", str(tmp_path)) == 0
    (folder,) = tmp_path.iterdir()
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    (*_, last) = (record for record in records if record["kind"] == "validation")
    assert last["loss"] == pytest.approx(last["loss_class"] + 0.5 * last["loss_colour"], rel=1e-6)
    validation = evaluation_of(folder)
    best = min((r for r in records if r["kind"] == "validation"), key=lambda record: record["loss"])
    assert validation["metrics"]["accuracy"] == pytest.approx(best["accuracy"], abs=1e-6)
    assert validation["tasks"]["colour"]["accuracy"] == pytest.approx(best["colour_accuracy"], abs=1e-6)
    assert run("evaluate", "--run", str(folder), "--runs-dir", str(tmp_path)) == 0
    test = evaluation_of(folder)
    assert [entry["name"] for entry in test["tasks"]["colour"]["per_class"]] == ["red", "green", "blue"]
    assert test["tasks"]["colour"]["accuracy"] > 0.45  # chance is a third, and its deviation 0.015
    assert test["metrics"]["accuracy"] > 0.2


def test_a_run_without_a_length_ends_by_itself_and_says_why(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (
        "training.epochs=null",
        "training.eval_every=3",
        "training.learning_rate=1e-6",  # nothing can improve
        "training.early_stopping={policy: adaptive, also: val_accuracy, patience: 3, stretch: 0}",
    )
    words = [part for word in settings for part in ("--set", word)]
    assert run("train", *SMOKE, *words, "--runs-dir", str(tmp_path)) == 0
    (folder,) = tmp_path.iterdir()
    summary = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert summary["status"] == "early_stopped"
    assert summary["steps"] < 200
    assert "val_loss: no improvement" in summary["reason"]
    assert "val_accuracy: no improvement" in summary["reason"]
    assert f"ended   {summary['reason']}" in capsys.readouterr().out
    assert evaluation_of(folder)["checkpoint"] == "best.pt"


def test_a_study_of_stopping_takes_only_what_ends_by_itself(
    run: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("stopping_study", "--configs", "quickstart", "--seeds", "1,2") == 2
    assert "early_stopping {policy: adaptive}" in capsys.readouterr().err


def test_a_study_of_stopping_judges_the_weights_that_a_run_of_the_best_length_keeps(
    run: Command, tmp_path: Path
) -> None:
    adaptive = (
        "preflight=false",
        "model.channels=[8, 16, 32]",
        "training.early_stopping={policy: adaptive, patience: 1, stretch: 0, min_delta: 9}",
        "training.schedule=constant",
    )
    words = [part for word in adaptive for part in ("--set", word)]
    study = ("--configs", "adaptive", "--seeds", "1,2", "--longest", "3", "--workers", "1")
    assert run("stopping_study", *study, *words, "--output", str(tmp_path / "study")) == 0
    figures = json.loads((tmp_path / "study" / "stopping.json").read_text(encoding="utf-8"))["models"][
        "adaptive"
    ]
    assert figures["adaptive_epochs"] == [2, 2]  # no step is nine nats
    length = (f"training.epochs={figures['best_budget']}", "training.early_stopping=null")
    words += ["--seed", "1", "--runs-dir", str(tmp_path / "runs")]
    words += [part for word in length for part in ("--set", word)]
    assert run("train", "--config", "configs/adaptive.yaml", "--no-tensorboard", *words) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert run("evaluate", "--run", str(folder), "--runs-dir", str(tmp_path / "runs")) == 0
    assert evaluation_of(folder)["metrics"]["accuracy"] == figures["test_accuracy"]["fixed"][0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--set", "model.chanels=[3]"), "channels"),
        (("--set", "data.augmentation.mixupp=1"), "mixup"),
        (("--set", "model.num_classes=11"), "want 10"),
        (("--config", "configs/vit.yaml", "--set", "data.dataset=shapes", "--set", "model.patch_size=5"), "does: 4"),
        (("--set", "data.dataset=shape"), "shapes"),
        (("--set", "data.train_split=1.0"), "train_loss"),
        (("--set", "data.attributes=[color]"), "colour"),
        (("--set", "data.attributes=[colour]", "--set", "data.augmentation.mixup=1"), "set both to 0"),
        (("--set", "training.loss_weights={colour: 2}"), "no loss 'colour'"),
        (("--set", "data.progressive_resizing={sizes: [16, 40], epochs: [1, 1]}"), "give at most 32"),
        (("--set", "data.progressive_resizing={sizes: [8], epochs: [1]}"), "16"),
        (("--config", "configs/vit.yaml", "--set", "data.dataset=shapes", "--set",
          "data.progressive_resizing={sizes: [16], epochs: [1]}"), "such as speed_net"),
        (("--set", "data.curriculum={order: anti}"), "name an earlier run"),
        (("--set", "data.curriculum={scores: nowhere.txt}"), "nowhere.txt"),
        (("--set", "data.curriculum={scores: no_such_run}"), "no_such_run"),
        (("--set", "data.dataset=cifar10"), "shapes (quickstart.yaml)"),
        (("--set", "training.epochs=null", "--set", "training.early_stopping.policy=adaptive", "--set",
          "training.schedule=cosine"), "needs a length"),
    ],
)  # fmt: skip
def test_bad_input_is_a_line_or_two_with_the_right_value(
    run: Command, tmp_path: Path, words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", *SMOKE, *words, "--runs-dir", str(tmp_path / "runs"), data_dir=tmp_path) in (2, 3)
    message = capsys.readouterr().err
    assert expected in message
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) <= 3
    assert not (tmp_path / "runs").exists()
