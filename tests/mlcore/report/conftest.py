"""A run as the real logger leaves it, with everything a report can show and a hostile text in every place."""

import importlib.util
import json
import math
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mlcore.evaluator import write_evaluation
from mlcore.logger import TrainingLogger
from mlcore.report import build_report
from mlcore.report.figures import save_figure

HOSTILE = "</script></pre><script>document.title='HACKED'</script><img src=x onerror=\"document.title='HACKED'\">'\"&"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def write_training(folder: Path, *, num_steps: int = 400, finish: bool = True) -> None:
    """Drives a TrainingLogger along a synthetic curve with skipped steps, validations and samples."""
    noise, clock = random.Random(3), Clock()
    logger = TrainingLogger(folder, mode="silent", tensorboard=False, clock=clock, flops_per_item=1e7)
    logger.start({"device": "cpu", "precision": HOSTILE, "parameters": 3_280_640})
    for step in range(1, num_steps + 1):
        base = 1.7 + 6 * math.exp(-step / 40)
        clock.now += 0.1
        skipped = (step > 100) + 2 * (step > 250)
        record = {"loss": base + noise.gauss(0, 0.05), "lr": 1e-3 * (1 - step / 500), "grad_norm": 1 + base}
        logger.log_step(step, {**record, "skipped": skipped}, num_items=512)
        if step % 40 == 0:
            logger.log_validation(step, {"loss": base + 0.05, "perplexity": math.exp(base + 0.05)})
            samples = [
                {"prompt": "Once upon", "text": f" a time {step}"},
                {"prompt": HOSTILE, "text": HOSTILE},
            ]
            logger.log_samples(step, samples)
    logger.warn(f"a warning {HOSTILE}")
    if finish:
        logger.finish("completed", {"reason": HOSTILE})


def evaluation() -> dict:
    """evaluation.json as the evaluator writes it."""
    heuristic = {
        "overall": 0.71,
        "dictionary_rate": 0.97,
        "repetition_rate": 0.03,
        "familiar_pair_rate": None,
    }
    verdict = {
        "grammar": 4,
        "coherence": 3,
        "creativity": 2,
        "overall": 3.0,
        "remark": HOSTILE,
        "cached": False,
    }
    summary = {"num_samples": 1, "mean": 3.25, "sd": 0.5, "standard_error": None}
    return {
        "schema": 1,
        "checkpoint": f"checkpoints/best.pt{HOSTILE}",
        "split": "validation",
        "metrics": {
            "loss": 1.9012,
            "perplexity": 6.694,
            "bits_per_byte": 0.6921,
            "token_accuracy": 0.552,
            "num_tokens": 1_204_224,
            "num_bytes": None,
            "num_sequences": 4704,
            "loss_interval": [1.8931, 1.9093],
            "perplexity_interval": None,
            "interval_method": "95 % interval",
        },
        "baselines": {
            "uniform": {"method": "every token alike", "loss": 8.3178, "perplexity": 4096.0},
            "unigram": {"method": HOSTILE, "loss": 5.912, "perplexity": 369.4, "token_accuracy": 0.061},
            "5-gram": {"method": "interpolated Kneser-Ney, order 5", "loss": 2.53, "perplexity": 12.55},
        },
        "samples": [
            {"prompt": "Max ", "text": "found a bone.", "num_tokens": 4, "ended": True, "seed": 1},
            {"prompt": HOSTILE, "text": HOSTILE, "num_tokens": 9, "ended": False, "seed": 2},
        ],
        "coherence": {
            "status": "1 of 2 judged (2 verdicts missing: 2 timeout)",
            "model": "claude-haiku-5-5",
            "scores": {"coherence": summary, "overall": summary},
            "per_sample": [
                {"verdicts": [verdict], "failures": []},
                {"verdicts": [], "failures": ["timeout", "timeout"]},
            ],
        },
        "heuristic": {
            "num_samples": 2,
            "means": heuristic,
            "overall_sd": 0.08,
            "per_sample": [heuristic, heuristic],
            "method": "product",
        },
    }


@pytest.fixture
def hostile_text() -> str:
    return HOSTILE


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with every part a report knows, made once."""
    folder = tmp_path_factory.mktemp("runs") / "quickstart_20261121-004500"
    write_training(folder)
    (folder / "config.yaml").write_text(
        f"# a note\nmodel:\n  d_model: 256\nprompts: [{json.dumps(HOSTILE)}]\n"
    )
    environment = {"python": "3.11", "cpu": {"model": HOSTILE, "cores": 2}, "command": ["train.py", HOSTILE]}
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "evaluation.json").write_text(json.dumps(evaluation()))
    return folder


@pytest.fixture
def full_run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    return Path(shutil.copytree(finished_run, tmp_path / finished_run.name))


@pytest.fixture
def killed_run(tmp_path: Path) -> Path:
    """A run that was killed early: a few records, no end."""
    folder = tmp_path / "killed"
    write_training(folder, num_steps=12, finish=False)
    return folder


def load(name: str) -> ModuleType:
    """A helper module of this folder."""
    specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def page_of() -> Callable[[Path | str], Any]:
    """Reads a page: that of a run folder, which is built first, or one given as text."""
    reader = load("page_reader")

    def read(source: Path | str) -> Any:
        return reader.Page(source if isinstance(source, str) else build_report(source).read_text("utf-8"))

    return read


@pytest.fixture(scope="session")
def classifiers() -> ModuleType:
    """What makes the run of a classifier."""
    return load("classifier_run")


@pytest.fixture(scope="session")
def finished_classifier(tmp_path_factory: pytest.TempPathFactory, classifiers: ModuleType) -> Path:
    """The run of a classifier with its evaluation, its baselines and three figures, made once."""
    folder = tmp_path_factory.mktemp("runs") / "baseline_fc_20261121-004500"
    classifiers.write_classifier_training(folder)
    (folder / "config.yaml").write_text("name: baseline_fc\nmodel:\n  type: fc\n  hidden_sizes: [256, 128]\n")
    (folder / "environment.json").write_text(json.dumps({"python": "3.11", "cpu": {"cores": 2}}))
    write_evaluation(folder, **classifiers.evaluation_of_digits())
    save_figure(
        folder,
        "failures",
        classifiers.draw_gallery(),
        title="The most confident mistakes",
        caption="Above each image: its class, what it was taken for, and with what probability.",
    )
    save_figure(folder, "filters", classifiers.draw_filters(), title="Filters of the first layer", caption="")
    save_figure(folder, "nearest", classifiers.draw_filters(), title=HOSTILE, caption=HOSTILE)
    return folder


@pytest.fixture
def classifier_run(finished_classifier: Path, tmp_path: Path) -> Path:
    """A copy of the classifier's run that a test may change."""
    return Path(shutil.copytree(finished_classifier, tmp_path / finished_classifier.name))
