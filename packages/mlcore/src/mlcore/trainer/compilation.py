"""torch.compile with a way back: the first failure costs one warning, and training goes on in eager mode."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from mlcore.seeding import capture_rng_state, restore_rng_state

Result = TypeVar("Result")


class Compilation:
    """Compiles a model in place; its class, attributes and parameter names stay as they are.

    Args:
        model: the model.
        enabled: whether to compile at all.
        warn: told once, if compiling fails.
        backend: of ``torch.compile``.
    """

    def __init__(
        self,
        model: nn.Module,
        enabled: bool,
        warn: Callable[[str], None],
        *,
        backend: str | Callable = "inductor",
    ) -> None:
        self._model = model
        self._warn = warn
        self.active = enabled
        if enabled:
            self._compile(backend)

    def attempt(self, work: Callable[[], Result], *, undo: Callable[[], None] | None = None) -> Result:
        """Do ``work``; if it fails while the model is compiled, go eager and do it once more.

        Compilation happens on the first use of each shape, forward and backward, so any call may be the one
        that fails. A mistake in the model fails a second time, in eager mode, and that error is the one to
        see.

        Args:
            work: uses the model.
            undo: takes back what a half-done ``work`` left behind.
        """
        if not self.active:
            return work()
        state = capture_rng_state()
        try:
            return work()
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            self._give_up(error)
        restore_rng_state(state)
        if undo is not None:
            undo()
        return work()

    def _compile(self, backend: str | Callable) -> None:
        # Graph breaks are the compiler's own affair: what the user needs to hear is whether it failed.
        logging.getLogger("torch._dynamo").setLevel(logging.ERROR)
        try:
            self._model.compile(backend=backend)
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.active = False
        # What nn.Module.compile sets and nn.Module.__call__ looks at; torch has no public way back.
        self._model._compiled_call_impl = None
        lines = str(error).strip().splitlines()
        reason = lines[0][:200] if lines else type(error).__name__
        self._warn(f"torch.compile failed, training goes on uncompiled: {type(error).__name__}: {reason}")
