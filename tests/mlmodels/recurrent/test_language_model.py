"""Windows that continue one another, generation, and learning."""

import math
from collections.abc import Callable

import pytest
import torch
from mlmodels.base_model import BaseModel
from mlmodels.recurrent import RecurrentLanguageModel, RecurrentLanguageModelConfig, detach_state
from torch.nn import functional

V = 11


def make_model(**options: object) -> RecurrentLanguageModel:
    sizes = {"vocab_size": V, "embedding_size": 8, "hidden_size": 16, "num_layers": 2}
    return RecurrentLanguageModel.from_config(RecurrentLanguageModelConfig(**{**sizes, **options}))


def test_it_is_a_base_model_whose_first_loss_is_that_of_a_uniform_guess() -> None:
    model = make_model(vocab_size=67, embedding_size=192, hidden_size=128)
    assert isinstance(model, BaseModel)
    assert model.dim == 128
    tokens = torch.randint(67, (8, 20))
    loss = functional.cross_entropy(model(tokens)[0].flatten(0, 1), tokens.flatten().roll(1))
    assert loss.item() == pytest.approx(math.log(67), abs=0.3)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("kernels", ["reference", "fast", "auto"])
def test_windows_with_carried_state_are_one_long_window(cell: str, kernels: str) -> None:
    model = make_model(cell=cell, kernels=kernels).double()
    tokens = torch.randint(V, (3, 12))
    expected, _ = model(tokens)
    state, windows = None, []
    for window in tokens.split(5, dim=1):
        logits, state = model(window, None if state is None else detach_state(state))
        windows.append(logits)
    torch.testing.assert_close(torch.cat(windows, dim=1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("detach", [True, False])
def test_gradients_end_at_a_detached_state_and_go_on_through_one_that_is_not(detach: bool) -> None:
    model = make_model()
    _, state = model(torch.tensor([[0, 1, 2]]))
    model(torch.tensor([[3, 4, 5]]), detach_state(state) if detach else state)[0].sum().backward()
    reached = model.embedding.weight.grad.any(dim=1).nonzero().flatten().tolist()
    assert reached == ([3, 4, 5] if detach else [0, 1, 2, 3, 4, 5])


def test_no_logit_depends_on_a_later_token() -> None:
    model = make_model()
    tokens = torch.randint(V, (2, 10))
    changed = tokens.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % V
    before, after = model.logits(tokens), model.logits(changed)
    assert torch.equal(before[:, :6], after[:, :6])
    assert not torch.equal(before[:, 6:], after[:, 6:])


def test_greedy_generation_is_the_likeliest_token_of_the_whole_text_each_time() -> None:
    model = make_model().double()
    prompt = torch.randint(V, (3, 4))
    expected = prompt
    for _ in range(9):
        token = model.logits(expected)[:, -1].argmax(dim=-1, keepdim=True)
        expected = torch.cat([expected, token], dim=1)
    assert torch.equal(model.generate(prompt, max_new_tokens=9, temperature=0.0), expected)


def test_generation_takes_one_step_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    model, widths = make_model(), []
    original = model.next_logits

    def counted(input_ids: torch.Tensor, state: object) -> object:
        widths.append(input_ids.shape[1])
        return original(input_ids, state)

    monkeypatch.setattr(model, "next_logits", counted)
    model.generate(torch.randint(V, (2, 7)), max_new_tokens=4)
    assert widths == [7, 1, 1, 1]


def test_a_seed_decides_the_sample_and_options_restrict_it() -> None:
    model, prompt = make_model(), torch.randint(V, (4, 3))
    first, second = (model.generate(prompt, max_new_tokens=8, seed=5) for _ in range(2))
    assert torch.equal(first, second)
    greedy = model.generate(prompt, max_new_tokens=8, temperature=0.0)
    assert torch.equal(model.generate(prompt, max_new_tokens=8, top_k=1), greedy)
    assert torch.equal(model.generate(prompt, max_new_tokens=8, top_p=1e-6), greedy)
    with torch.no_grad():
        model.head.bias -= 100.0  # a penalty multiplies negative logits
    never_twice = model.generate(prompt[:, :1], max_new_tokens=V - 1, temperature=0.0, repetition_penalty=1e9)
    assert all(len(set(row.tolist())) == V for row in never_twice)


def test_rows_that_have_ended_are_filled_up_and_all_ended_stops() -> None:
    model, prompt = make_model(), torch.randint(V, (2, 3))
    with torch.no_grad():
        model.head.bias[4] = 1e4
    found = model.generate(prompt, max_new_tokens=50, end_id=4)
    assert torch.equal(found, torch.cat([prompt, torch.full((2, 1), 4)], dim=1))


def test_generation_does_not_drop_anything_and_leaves_the_mode_as_it_was() -> None:
    model, prompt = (
        make_model(output_dropout=0.9, dropout=0.9, embedding_dropout=0.9),
        torch.randint(V, (2, 3)),
    )
    found = model.train().generate(prompt, max_new_tokens=5, temperature=0.0)
    assert model.training
    assert torch.equal(found, model.eval().generate(prompt, max_new_tokens=5, temperature=0.0))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.generate(torch.zeros(1, 0, dtype=torch.long), max_new_tokens=1), "at least one token"),
        (lambda m: m.generate(torch.zeros(1, 1, dtype=torch.long), max_new_tokens=-1), "max_new_tokens -1"),
        (
            lambda m: m.generate(
                torch.zeros(1, 1, dtype=torch.long), max_new_tokens=1, seed=1, generator=torch.Generator()
            ),
            "a seed or a generator",
        ),
    ],
)
def test_wrong_requests_are_refused(call: Callable, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(make_model())


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_it_learns_a_sequence_that_one_token_of_context_does_not_predict(cell: str) -> None:
    """0 1 0 2 0 3 0 4, again and again: after a 0 only memory knows what comes."""
    torch.manual_seed(0)
    model = make_model(cell=cell, vocab_size=5, num_layers=1, hidden_size=24)
    text = torch.tensor([0, 1, 0, 2, 0, 3, 0, 4]).repeat(6)
    tokens = torch.stack([text[i : i + 33] for i in range(8)])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(80):
        logits, _ = model(tokens[:, :-1])
        loss = functional.cross_entropy(logits[:, 4:].flatten(0, 1), tokens[:, 5:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    continued = model.generate(text[None, :8], max_new_tokens=16, temperature=0.0)
    assert continued[0].tolist() == text[:24].tolist()
