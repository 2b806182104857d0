"""Look into a model and leave it exactly as it was found."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Inside, the model and all its parts are in evaluation mode and run eagerly; afterwards each part has its
    own flag back, also after an exception.

    The flags are put back one by one: a part that was frozen in evaluation mode inside a training model stays
    frozen, which ``model.train()`` would undo.
    """
    flags = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with _eager():
            yield
    finally:
        for module, training in flags:
            module.training = training


@contextmanager
def gradients_enabled() -> Iterator[None]:
    """Inside, autograd records, also within ``torch.no_grad()`` or ``torch.inference_mode()``."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def _eager() -> AbstractContextManager[object]:
    """A compiled model does not see hooks that came after its compilation, so compiled code is left aside.
    Without dynamo nothing can be compiled, and importing it takes seconds.
    """
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
