"""The logic around CUDA graphs, on the CPU, with a recorder that repeats torch's operations exactly as recorded.

Like a graph it knows addresses and not Python: a number that was looked at while recording stays what it was.
"""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.fast.cuda_graph import GraphedPath
from mlmodels.custom_transformer.fast.path import FastPath
from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels
from mlmodels.custom_transformer.model import CustomTransformer
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

CONFIG = CustomTransformerConfig(
    vocab_size=23, d_model=8, n_blocks=2, n_heads=2, d_ffn=12, max_seq_len=9, dtype="float64"
)
Result = TypeVar("Result")
pytestmark = pytest.mark.filterwarnings("error:kernels")  # falling back would prove nothing here


class Tape(TorchDispatchMode):
    """Notes every operation with the very tensors it was called on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        if function is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        result = function(*arguments, **(options or {}))
        self.calls.append((function, arguments, options or {}, result))
        return result

    def repeat(self) -> None:
        """Every operation again, its result into the tensors that its first run returned."""
        for function, arguments, options, result in self.calls:
            again = function(*arguments, **options)

            def refill(old: Any, new: Any) -> Any:
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)
                return old

            tree_map(refill, result, again)


class TapeRecorder:
    """Stands in for `CudaRecorder`."""

    def __init__(self) -> None:
        self.num_recorded = 0

    def warm_up(self, work: Callable[[], object]) -> None:
        work()

    def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        self.num_recorded += 1
        with Tape() as tape:
            result = work()
        return tape.repeat, result


def made() -> tuple[CustomTransformer, FastPath]:
    model, generator = CustomTransformer(CONFIG), torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model, FastPath(model, TorchKernels())


def batch(seed: int, rows: int = 2, time: int = 9) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens, targets = torch.randint(0, CONFIG.vocab_size, (2, rows, time), generator=generator)
    targets[torch.rand(targets.shape, generator=generator) < 0.2 * seed] = -100
    return tokens, targets


def gradients(model: CustomTransformer) -> list[Tensor]:
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_repetitions_equal_the_path_on_other_batches_and_scales() -> None:
    (model, graphed_path), (other, eager) = made(), made()
    graphed = GraphedPath(graphed_path, TapeRecorder())
    for seed, scale in ((1, 1.0), (2, 0.5), (3, 2.0), (0, 1.0)):
        model.zero_gradients()
        other.zero_gradients()
        for part in (0, 1):  # the second adds to the first
            data = batch(seed + 10 * part)
            loss, num_counted = graphed.loss_and_gradient(*data, scale, 0.1)
            expected, expected_counted = eager.loss_and_gradient(*data, scale, 0.1)
            assert num_counted == expected_counted
            torch.testing.assert_close(loss, expected)
        assert_same(gradients(model), gradients(other))
        for parameter in [*model.parameters(), *other.parameters()]:
            assert parameter.grad is not None
            parameter -= 0.1 * parameter.grad


def test_a_shape_is_recorded_once_and_only_so_many_are() -> None:
    (model, path), recorder = made(), TapeRecorder()
    graphed = GraphedPath(path, recorder, max_shapes=2)
    for time in (9, 5, 9, 7, 5, 7):
        model.zero_gradients()
        graphed.loss_and_gradient(*batch(1, time=time), 1.0, 0.0)
    assert recorder.num_recorded == 2 * 2  # writing and adding, for two of three lengths
    model.zero_gradients()
    path.loss_and_gradient(*batch(1, time=7), 1.0, 0.0)
    expected = gradients(model)
    model.zero_gradients()
    graphed.loss_and_gradient(*batch(1, time=7), 1.0, 0.0)
    assert_same(gradients(model), expected)


def test_a_loss_keeps_its_value_after_the_next_step() -> None:
    model, path = made()
    graphed = GraphedPath(path, TapeRecorder())
    first, _ = graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    value = float(first)
    model.zero_gradients()
    graphed.loss_and_gradient(*batch(2), 1.0, 0.0)
    assert float(first) == value


def test_gradients_of_another_make_the_path_do_it() -> None:
    (model, path), recorder = made(), TapeRecorder()
    graphed = GraphedPath(path, recorder)
    graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    expected = [1.0 + gradient for gradient in gradients(model)]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    own = [parameter.grad for parameter in model.parameters()]
    graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    assert all(p.grad is gradient for p, gradient in zip(model.parameters(), own, strict=True))
    assert_same(gradients(model), expected)


def test_parameters_that_were_replaced_are_read_where_the_graph_reads_them() -> None:
    (model, path), (other, eager) = made(), made()
    graphed = GraphedPath(path, TapeRecorder())
    graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    for changed in (model, other):
        changed.zero_gradients()
        for parameter in changed.parameters():
            parameter.data = 0.5 * parameter.data
    graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    eager.loss_and_gradient(*batch(1), 1.0, 0.0)
    assert_same(gradients(model), gradients(other))


def test_the_graphs_memory_outlives_a_larger_batch() -> None:
    model, path = made()
    graphed = GraphedPath(path, TapeRecorder())
    graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    expected, before = gradients(model), {memory.data_ptr() for memory in path.workspace.memories()}
    (step,) = graphed._steps.values()
    assert before <= {memory.data_ptr() for memory in step.memories}
    path.loss(*batch(1, rows=7))  # the workspace takes larger memory
    model.zero_gradients()
    graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    assert_same(gradients(model), expected)


def test_where_recording_fails_the_path_does_it_after_one_warning() -> None:
    class FailingRecorder(TapeRecorder):
        def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
            work()
            raise RuntimeError("out of memory")

    (model, path), (other, eager) = made(), made()
    graphed = GraphedPath(path, FailingRecorder())
    with pytest.warns(UserWarning, match="recording failed: out of memory"):
        loss, _ = graphed.loss_and_gradient(*batch(1), 1.0, 0.0)
    assert float(loss) == float(eager.loss_and_gradient(*batch(1), 1.0, 0.0)[0])
    assert_same(gradients(model), gradients(other))
    model.zero_gradients()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graphed.loss_and_gradient(*batch(1), 1.0, 0.0)


def test_nothing_in_the_path_asks_for_a_value_of_the_device() -> None:
    # A tensor without data has no value to give: this fails where a graph could not be recorded.
    model = CustomTransformer(CONFIG).to("meta")
    tokens, targets = torch.zeros(2, 2, 9, dtype=torch.int64, device="meta")
    loss, num_counted = FastPath(model, TorchKernels()).enqueue(tokens, targets, 1.0, 0.1)
    assert loss.is_meta
    assert isinstance(num_counted, Tensor)
