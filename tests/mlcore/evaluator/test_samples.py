"""Sampling: one generator a prompt, cut at the end of text, the decoding settings passed on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.evaluator.advanced_evaluator import AdvancedEvaluator
from mlcore.evaluator.samples import generate_samples, sample_seed
from torch import nn

END = 26


class Letters:
    """a to z are 0 to 25, 26 ends a text."""

    vocab_size = 27
    end_of_text_id: int | None = END

    def encode(self, text: str) -> list[int]:
        return [ord(character) - 97 for character in text if character.isalpha()]

    def decode(self, ids: list[int]) -> str:
        return "".join(chr(97 + i) for i in ids)

    def byte_lengths(self) -> Any:
        return [1] * 26 + [0]


class RandomWriter(nn.Module):
    """Samples from softmax(logits of the last token / temperature) with the generator it is given."""

    def __init__(self) -> None:
        super().__init__()
        weights = torch.randn(27, 27, generator=torch.Generator().manual_seed(0))
        self.table = nn.Parameter(weights)
        self.asked: list[dict[str, Any]] = []

    def generate(self, input_ids: torch.Tensor, **settings: Any) -> torch.Tensor:
        self.asked.append({**settings, "prompt": input_ids.tolist(), "training": self.training})
        assert not torch.is_grad_enabled()
        for _ in range(settings["max_new_tokens"]):
            shares = (self.table[input_ids[:, -1]] / settings["temperature"]).softmax(-1)
            new = torch.multinomial(shares, 1, generator=settings["generator"])
            input_ids = torch.cat([input_ids, new], dim=1)
        return input_ids  # it goes on after the end of text, as a batch would


def texts(prompts: list[str], **settings: Any) -> list[tuple[str, str]]:
    found = generate_samples(RandomWriter(), Letters(), prompts, **{"max_new_tokens": 20, **settings})
    return [(sample.prompt, sample.text) for sample in found]


prompt_lists = st.lists(st.text("abcdefg", min_size=1, max_size=4), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(prompts=prompt_lists, added=prompt_lists, place=st.integers(0, 5))
def test_adding_prompts_anywhere_changes_none_of_the_others(
    prompts: list[str], added: list[str], place: int
) -> None:
    added = [prompt for prompt in added if prompt not in prompts]
    place = min(place, len(prompts))
    more = prompts[:place] + added + prompts[place:]
    assert [pair for pair in texts(more) if pair[0] in prompts] == texts(prompts)


def test_the_same_seed_repeats_every_text_and_another_seed_does_not() -> None:
    assert texts(["ab", "c"], seed=1) == texts(["ab", "c"], seed=1)
    assert texts(["ab", "c"], seed=1) != texts(["ab", "c"], seed=2)


def test_samples_of_one_prompt_differ_and_keep_their_place() -> None:
    three = texts(["ab"], samples_per_prompt=3)
    assert len(set(three)) == 3
    assert texts(["ab"], samples_per_prompt=2) == three[:2]
    assert texts(["ab", "ab", "ab"]) == three


def test_the_global_random_state_is_neither_used_nor_changed() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = texts(["abc"])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert texts(["abc"]) == first


def test_seeds_fit_in_63_bits_and_do_not_collide() -> None:
    seeds = {
        sample_seed(seed, prompt, n) for seed in range(20) for prompt in ("", "a", "1:a") for n in range(20)
    }
    assert len(seeds) == 20 * 3 * 20
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_text_is_cut_at_its_first_end_of_text() -> None:
    class Scripted(nn.Module):
        def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
            return torch.cat([input_ids, torch.tensor([[1, 2, END, 3, END]])], dim=1)

    (sample,) = generate_samples(Scripted(), Letters(), ["a"])
    assert (sample.text, sample.num_tokens, sample.ended) == ("bc", 2, True)


def test_a_text_without_an_end_is_whole_and_not_ended() -> None:
    class Scripted(nn.Module):
        def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
            return torch.cat([input_ids, torch.tensor([[1, 2]])], dim=1)

    (sample,) = generate_samples(Scripted(), Letters(), ["a"])
    assert (sample.text, sample.num_tokens, sample.ended) == ("bc", 2, False)


def test_an_end_of_text_in_the_prompt_does_not_cut_the_text() -> None:
    class Scripted(nn.Module):
        def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
            assert input_ids.tolist() == [[END]]
            return torch.cat([input_ids, torch.tensor([[4]])], dim=1)

    (sample,) = generate_samples(Scripted(), Letters(), [""])  # an empty prompt starts from the end of text
    assert (sample.prompt, sample.text) == ("", "e")


def test_an_empty_prompt_without_an_end_of_text_is_refused_in_words() -> None:
    class NoEnd(Letters):
        end_of_text_id = None

    with pytest.raises(ValueError, match="prompt '' encodes to no token"):
        generate_samples(RandomWriter(), NoEnd(), [""])


def test_the_decoding_settings_reach_the_model_in_evaluation_mode() -> None:
    model = RandomWriter()
    evaluator = AdvancedEvaluator(model, Letters())
    evaluator.generate_samples(
        ["ab"], max_new_tokens=3, temperature=0.5, top_k=7, top_p=0.9, repetition_penalty=1.2, seed=3
    )
    (asked,) = model.asked
    generator = asked.pop("generator")
    assert generator.initial_seed() == sample_seed(3, "ab", 0)
    assert asked == {
        "max_new_tokens": 3,
        "temperature": 0.5,
        "top_k": 7,
        "top_p": 0.9,
        "repetition_penalty": 1.2,
        "end_id": END,
        "prompt": [[0, 1]],
        "training": False,
    }
    assert model.training


def test_a_model_that_returns_only_the_new_tokens_is_found_out() -> None:
    class NewOnly(nn.Module):
        def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
            return torch.tensor([[1, 2]])

    with pytest.raises(AssertionError, match="the prompt followed by the new tokens"):
        generate_samples(NewOnly(), Letters(), ["c"])


def test_without_a_judge_the_coherence_is_skipped_and_the_heuristics_are_there() -> None:
    evaluator = AdvancedEvaluator(RandomWriter(), Letters(), dictionary=["ab"])
    samples = evaluator.generate_samples(["ab"], max_new_tokens=5)
    assert evaluator.score(samples).status == "skipped: no judge"
    assert evaluator.heuristics(samples).num_samples == 1
