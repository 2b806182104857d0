"""The trace adds up to the steps and to torch's own totals; costs are those of closed forms; the page shows them."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
import torch
from mlcore.profiling.costs import own_flops, own_parameters
from mlcore.profiling.page import bar, render
from mlcore.profiling.phases import ANNOTATION, STEP, PhaseClock
from mlcore.profiling.profile import StepProfile, profile_training
from mlcore.profiling.tables import layers_table, operators_table, parts_table
from mlcore.profiling.trace import LAYER, OUTSIDE, PYTHON, TraceTotals, add_up, watch_layers
from mlcore.trainer import ClassificationTrainer, TrainingConfig
from torch import nn

BATCH, SIZE, FILTERS, CLASSES = 8, 12, 5, 4


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, FILTERS, 3, padding=1),
        nn.BatchNorm2d(FILTERS),
        nn.Sequential(nn.ReLU(), nn.Flatten()),
        nn.Linear(FILTERS * SIZE**2, CLASSES),
    )


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.randn(BATCH, 3, SIZE, SIZE), torch.arange(BATCH) % CLASSES) for _ in range(3)]


def trainer_of(model: nn.Module) -> ClassificationTrainer:
    config = TrainingConfig(optimizer="sgd", learning_rate=0.1, monitor="train_loss")
    return ClassificationTrainer(model, config, device="cpu")


NUM_STEPS = 2


@pytest.fixture(scope="module")
def traced() -> tuple[TraceTotals, dict[str, float]]:
    """Two steps added up by us, and torch's own totals of them in seconds."""
    model, clock = network(), PhaseClock()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    handles = watch_layers(model)
    (images, labels), *_ = batches()

    def step() -> None:
        with clock.part(STEP):
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
        for _ in range(NUM_STEPS):
            step()
    for handle in handles:
        handle.remove()
    assert not any(module._forward_hooks for module in model.modules())
    own = {row.key: row.self_cpu_time_total * 1e-6 for row in profiler.key_averages()}
    return add_up(list(profiler.events() or [])), own


def test_operators_and_layers_each_add_up_to_the_steps(traced: tuple[TraceTotals, dict[str, float]]) -> None:
    totals, own = traced
    assert totals.seconds > 0
    assert sum(row.own_s for row in totals.operators) == pytest.approx(totals.seconds, rel=1e-6)
    layers = totals.layers.values()
    assert sum(row.forward_s + row.backward_s for row in layers) == pytest.approx(totals.seconds, rel=1e-6)
    assert sum(own.values()) == pytest.approx(totals.seconds, rel=1e-3), "nothing else was traced"


def test_every_operator_has_the_time_that_torch_gives_it(
    traced: tuple[TraceTotals, dict[str, float]],
) -> None:
    totals, own = traced
    found = {row.name: row.own_s for row in totals.operators}
    assert len(found) > 15
    ranges = sum(seconds for name, seconds in own.items() if name.startswith((LAYER, ANNOTATION)))
    assert found.pop(PYTHON) == pytest.approx(ranges, rel=1e-3)
    for name, seconds in found.items():
        assert seconds == pytest.approx(own[name], rel=1e-6, abs=1e-9), name
    calls = {row.name: row.calls for row in totals.operators}
    assert calls["aten::convolution_backward"] == calls["aten::addmm"] == NUM_STEPS


def test_backward_belongs_to_the_layer_whose_operator_it_differentiates(
    traced: tuple[TraceTotals, dict[str, float]],
) -> None:
    totals, own = traced
    layers = totals.layers
    assert layers["0"].backward_s >= own["aten::convolution_backward"] > 0
    assert layers["1"].backward_s >= own["aten::native_batch_norm_backward"] > 0
    assert layers["2.0"].backward_s >= own["aten::threshold_backward"] > 0
    assert layers["3"].backward_s >= own["aten::mm"] > 0
    assert layers["3"].backward_s < own["aten::mm"] + layers[OUTSIDE].forward_s + layers["3"].forward_s + 1
    elsewhere = sum(layers[name].backward_s for name in ("1", "2.0", "3", OUTSIDE))
    assert elsewhere <= totals.seconds - own["aten::convolution_backward"]
    assert layers[OUTSIDE].forward_s >= own["Optimizer.step#SGD.step"]


def test_what_a_convolution_leaves_allocated_is_its_output(
    traced: tuple[TraceTotals, dict[str, float]],
) -> None:
    totals, _ = traced
    assert totals.layers["0"].num_bytes == NUM_STEPS * BATCH * FILTERS * SIZE**2 * 4


def test_operations_of_each_layer_are_those_of_the_formulas() -> None:
    trainer = trainer_of(network())
    found = own_flops(trainer, batches()[0])
    convolution = 2 * BATCH * SIZE**2 * 3 * 9 * FILTERS
    linear = 2 * BATCH * FILTERS * SIZE**2 * CLASSES
    assert found["0"] == 2 * convolution, "forward and the weights' gradient; the images need none"
    assert found["3"] == 3 * linear
    assert {name for name, flops in found.items() if flops} == {"0", "3"}
    assert all(parameter.grad is None for parameter in trainer.model.parameters())


def test_parameters_stand_at_their_module_and_tied_ones_once() -> None:
    model = network()
    assert own_parameters(model)["0"] == FILTERS * 27 + FILTERS
    assert sum(own_parameters(model).values()) == sum(parameter.numel() for parameter in model.parameters())
    tied = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    tied[1].weight = tied[0].weight
    assert own_parameters(tied) == {"": 0, "0": 16, "1": 0}


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> StepProfile:
    trace = tmp_path_factory.mktemp("profile") / "trace.json"
    return profile_training(
        trainer_of(network()), batches(), name="<small>", warmup=1, steps=4, traced=2, trace=trace
    )


def test_the_parts_agree_with_the_step_measured_from_outside(profile: StepProfile) -> None:
    assert len(profile.step_s) == 4
    assert list(profile.parts_s) == [
        "data",
        "forward",
        "backward",
        "metrics",
        "optimizer",
        "rest of the loop",
    ]
    assert all(seconds > 0 for seconds in profile.parts_s.values())
    assert 0.8 < profile.covered <= 1.0
    assert sum(profile.share(part) for part in profile.parts_s) == pytest.approx(1)
    operators = sum(row.own_s for row in profile.operators) / profile.num_traced
    assert operators == pytest.approx(profile.traced_s, rel=1e-6)


def test_totals_are_those_of_the_layers(profile: StepProfile) -> None:
    assert profile.parameters == sum(parameter.numel() for parameter in network().parameters())
    assert profile.items_per_step == BATCH
    assert profile.items_per_s == pytest.approx(BATCH / (sum(profile.step_s) / 4))
    assert profile.peak_tensor_bytes is not None
    assert BATCH * FILTERS * SIZE**2 * 4 < profile.peak_tensor_bytes < profile.peak_bytes


def numbers_of(cells: list[str]) -> list[float]:
    return [float(cell.replace(",", "").rstrip("%")) for cell in cells]


def test_the_columns_of_the_tables_add_up_to_their_last_rows(profile: StepProfile) -> None:
    *parts, total, outside = numbers_of([row[1] for row in parts_table(profile).rows])
    assert sum(parts) == pytest.approx(total, abs=0.06)  # one digit above ten milliseconds
    assert total <= outside + 0.1
    for num in (3, 25):
        rows = operators_table(profile, num).rows
        *own, total = numbers_of([row[2] for row in rows])
        assert sum(own) == pytest.approx(total, abs=0.1)
        assert len(rows) <= num + 2
    assert any("others" in row[0] for row in operators_table(profile, 3).rows)
    table = layers_table(profile)
    assert sum(numbers_of([row[table.headings.index("share")] for row in table.rows])) == pytest.approx(
        100, abs=1
    )


def test_the_page_loads_nothing_and_shows_every_row(profile: StepProfile) -> None:
    page = render(profile, "images")
    assert "&lt;small&gt;" in page
    assert "<small>" not in page
    assert not re.search(r"(src|href)=\"(?!#|data:)|url\(|@import|<script", page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page, "or no browser would apply it"
    for table in (parts_table(profile), layers_table(profile), operators_table(profile)):
        for row in table.rows:
            assert re.sub("[<>&'\"]", "", row[0]) in re.sub("&(lt|gt|amp|#39|#34);|[<>&'\"]", "", page)
    pieces = bar(profile)
    ends = [float(piece["x"]) + float(piece["width"]) for piece in pieces]
    assert ends[-1] == pytest.approx(1000, abs=0.05)
    assert [float(piece["x"]) for piece in pieces[1:]] == pytest.approx(ends[:-1], abs=0.02)


def test_the_trace_is_one_that_browsers_open(profile: StepProfile, tmp_path: Path) -> None:
    import json

    trace = tmp_path / "trace.json"
    profile_training(trainer_of(network()), batches(), name="again", warmup=0, steps=1, traced=1, trace=trace)
    events = json.loads(trace.read_text())["traceEvents"]
    names = [event["name"] for event in events if event.get("ph") == "X"]
    assert names.count(ANNOTATION + STEP) == 1
    for part in ("data", "forward", "backward", "optimizer"):
        assert ANNOTATION + part in names
    assert LAYER + "3" in names
