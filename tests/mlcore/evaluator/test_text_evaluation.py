"""One evaluation of a language model: its figures in every unit, beside baselines on the same tokens."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlcore.evaluator import AdvancedEvaluator, read_evaluation
from mlcore.evaluator.text_config import TextEvaluationConfig
from mlcore.evaluator.text_evaluation import TextData, count_characters, evaluate_text
from torch import Tensor

SYMBOLS = ("ab", "é", "<|endoftext|>")  # two characters in two bytes, one in two, and none


class Letters:
    """A tokenizer of three tokens."""

    vocab_size = 3
    end_of_text_id = 2

    def encode(self, text: str) -> list[int]:
        return [0] * max(1, len(text) // 2)

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(SYMBOLS[number] for number in ids)

    def byte_lengths(self) -> np.ndarray:
        return np.array([2, 2, 0])


class Uniform:
    """Every token alike; writes what it read last."""

    def logits(self, input_ids: Tensor) -> Tensor:
        return torch.zeros(*input_ids.shape, 3)

    def generate(self, input_ids: Tensor, *, max_new_tokens: int, **options: Any) -> Tensor:
        return torch.cat([input_ids, input_ids[:, -1:].expand(-1, max_new_tokens)], dim=1)


STREAM = np.array([0, 1, 0, 2, 1, 0, 0, 1, 2], dtype=np.uint16)


def data() -> TextData:
    tokens = torch.from_numpy(STREAM.astype(np.int64))
    return TextData([(tokens[None, :-1], tokens[None, 1:])], STREAM, STREAM)


def evaluate(run: Path | None = None, **options: Any) -> dict[str, Any]:
    evaluator = AdvancedEvaluator(Uniform(), Letters())
    config = TextEvaluationConfig(generation_prompts=("ab",), max_generation_length=3, num_samples=1)
    return evaluate_text(evaluator, data(), config, seed=1, checkpoint="best.pt", run=run, **options)


def test_bits_per_character_and_per_byte_are_the_same_nats_over_what_the_targets_stand_for() -> None:
    metrics = evaluate()["metrics"]
    nats = 8 * math.log(3)  # eight targets: é ab · é ab ab é ·
    assert metrics["loss"] == pytest.approx(math.log(3))
    assert metrics["bits_per_character"] == pytest.approx(nats / math.log(2) / 9)
    assert metrics["bits_per_byte"] == pytest.approx(nats / math.log(2) / 12)


def test_a_baseline_has_the_units_of_the_model() -> None:
    content = evaluate()
    assert {"uniform", "unigram", "bigram", "5-gram"} <= content["baselines"].keys()
    uniform = content["baselines"]["uniform"]
    assert uniform["bits_per_character"] == pytest.approx(content["metrics"]["bits_per_character"])


def test_special_tokens_are_no_characters() -> None:
    assert count_characters(Letters(), np.array([2, 2])) == 0
    assert count_characters(Letters(), STREAM) == 11


def test_an_evaluation_without_samples_keeps_those_of_an_earlier_one(tmp_path: Path) -> None:
    before = evaluate(tmp_path)
    after = evaluate(tmp_path, with_samples=False)
    assert after["samples"] == before["samples"] != []
    assert after["heuristic"] == before["heuristic"]
    assert read_evaluation(tmp_path) == after
