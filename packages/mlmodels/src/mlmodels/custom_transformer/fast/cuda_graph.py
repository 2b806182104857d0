"""One training step's forward and backward as a recorded graph: one launch instead of one for every kernel.

At small sizes a GPU waits for Python, which launches some fifty kernels for every block, one by one. A graph holds what
was launched once, with the addresses it was launched with, so that everything it reads lies in buffers of its own
(tokens, targets, scale) or in memory that stays where it is (parameters, gradients, workspace).

B batch, T time.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from mlmodels.custom_transformer.fast.path import FastPath

Result = TypeVar("Result")
# A last, shorter batch and another length are worth a graph; lengths that never repeat would fill the memory.
MAX_SHAPES = 4


class Recorder(Protocol):
    """What records and repeats the launches of a function; `CudaRecorder`, and a stand-in in tests."""

    def warm_up(self, work: Callable[[], object]) -> None:
        """Run `work` so that nothing is compiled or allocated for the first time when it is recorded."""

    def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """What repeats the work of `work`, and `work`'s result, which each repetition fills anew."""


class CudaRecorder:
    """torch.cuda.CUDAGraph. Graphs of one recorder share their memory: repeat one at a time."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._pool: Any = None  # torch's handle of the graphs' memory

    def warm_up(self, work: Callable[[], object]) -> None:
        with torch.cuda.device(self.device):
            stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                work()
            current.wait_stream(stream)

    def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        with torch.cuda.device(self.device):
            graph = torch.cuda.CUDAGraph()
            # thread_local: threads that load data may go on copying to the device meanwhile
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                result = work()
        self._pool = graph.pool()
        return graph.replay, result


class RecordedStep(NamedTuple):
    """A step of one shape: `write` makes gradients anew, `add` adds to those that are there."""

    tokens_BT: Tensor
    targets_BT: Tensor
    scale: Tensor
    write: Callable[[], None]
    written: tuple[Tensor, Tensor]  # loss and number of targets after `write`
    add: Callable[[], None]
    added: tuple[Tensor, Tensor]
    memories: list[
        Tensor
    ]  # the workspace's: a larger batch may replace them there, the graph still writes to these


class GraphedPath:
    """`FastPath.loss_and_gradient` by recorded graphs, and by the path itself wherever those do not fit.

    A shape is recorded when a step begins with it, that is without gradients, for at most `max_shapes` shapes. Graphs
    write gradients where `FlatParameters` has them; while any parameter's `.grad` is another tensor the path does it.
    """

    def __init__(
        self, path: FastPath, recorder: Recorder | None = None, max_shapes: int = MAX_SHAPES
    ) -> None:
        self.path, self.max_shapes = path, max_shapes
        self.recorder = CudaRecorder(path.device) if recorder is None else recorder
        self._steps: dict[tuple[torch.Size, float], RecordedStep] = {}
        self._addresses: list[int] = []  # of the gradients that the graphs write
        self._is_refused = False

    @torch.no_grad()
    def loss_and_gradient(
        self, tokens_BT: Tensor, targets_BT: Tensor, scale: float, label_smoothing: float
    ) -> tuple[Tensor, int]:
        """Add the gradient of `scale` × mean loss; return that mean (nats) and the number of counted targets."""
        self.path.flat.gather()  # parameters that were moved go back to where the graphs read them
        begins = all(p.grad is None for p in self.path.flat.parameters)
        key = (tokens_BT.shape, label_smoothing)
        if begins and key not in self._steps and len(self._steps) < self.max_shapes and not self._is_refused:
            self._try_to_record(key, tokens_BT, targets_BT)
        step = self._steps.get(key)
        if step is None or not (begins or self._gradients_are_the_graphs()):
            return self.path.loss_and_gradient(tokens_BT, targets_BT, scale, label_smoothing)
        step.tokens_BT.copy_(tokens_BT)
        step.targets_BT.copy_(targets_BT)
        step.scale.fill_(scale)
        (step.write if begins else step.add)()
        self._claim_gradients()
        loss, num_counted = step.written if begins else step.added
        return loss.clone(), int(num_counted)

    def _try_to_record(self, key: tuple[torch.Size, float], tokens_BT: Tensor, targets_BT: Tensor) -> None:
        try:
            self._steps[key] = self._record(tokens_BT.clone(), targets_BT.clone(), label_smoothing=key[1])
        except RuntimeError as error:
            self._is_refused = True
            warnings.warn(f"kernels: no CUDA graph is used, for recording failed: {error}", stacklevel=3)
        self._forget_gradients()

    def _record(self, tokens_BT: Tensor, targets_BT: Tensor, label_smoothing: float) -> RecordedStep:
        """Without gradients before and with no meaningful ones after."""
        scale = torch.ones((), dtype=self.path.wide, device=self.path.device)

        def work() -> tuple[Tensor, Tensor]:
            loss, num_counted = self.path.enqueue(tokens_BT, targets_BT, scale, label_smoothing)
            assert isinstance(num_counted, Tensor), (
                "a number known here would be the same in every repetition"
            )
            return loss, num_counted

        for _ in range(2):  # both ways: over old gradients, then onto them
            self.recorder.warm_up(work)
        self._addresses = [_address(p.grad) for p in self.path.flat.parameters]
        self._forget_gradients()
        write, written = self.recorder.record(work)
        add, added = self.recorder.record(work)
        memories = [*self.path.workspace.memories(), *_memories_of(self.path)]
        return RecordedStep(tokens_BT, targets_BT, scale, write, written, add, added, memories)

    def _gradients_are_the_graphs(self) -> bool:
        return [_address(p.grad) for p in self.path.flat.parameters] == self._addresses

    def _claim_gradients(self) -> None:
        """What the graph has written becomes the parameters' `.grad`."""
        for parameter in self.path.flat.parameters:
            self.path.flat.gradient(parameter)

    def _forget_gradients(self) -> None:
        for parameter in self.path.flat.parameters:
            parameter.grad = None


def _address(gradient: Tensor | None) -> int:
    return 0 if gradient is None else gradient.data_ptr()


def _memories_of(path: FastPath) -> list[Tensor]:
    """The buffers of kernels that have a workspace of their own."""
    workspace = getattr(path.kernels, "workspace", None)
    return [] if workspace is None else workspace.memories()
