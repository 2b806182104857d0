"""Targets of the generation benchmark: a batch of prompts, each continued by the likeliest tokens.

All begin with the same weights and prompts. A step returns the sum of its new tokens: equal where the texts are.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from mlcore.benchmarking import Workload
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.precision import dtype_from_name
from mlmodels.custom_transformer.size import flops_per_token
from mlmodels.custom_transformer.twin import AutogradTransformer
from torch import Tensor

from custom_transformer import build


class Setup:
    """Prompts and weights.

    Args:
        model: of `CustomTransformerConfig`.
        batch_size: prompts continued together.
        prompt_length, num_new: tokens given, and tokens generated, of each; together they fit the context.
    """

    def __init__(
        self,
        model: Mapping[str, Any],
        batch_size: int,
        prompt_length: int,
        num_new: int,
        device: str,
        seed: int,
    ) -> None:
        self.config = CustomTransformerConfig(**model)
        self.batch_size, self.prompt_length, self.num_new = batch_size, prompt_length, num_new
        self.device, self.seed = torch.device(device), seed

    def prompts(self) -> Tensor:
        """Random tokens, (B, prompt_length)."""
        generator = torch.Generator().manual_seed(self.seed)
        size = (self.batch_size, self.prompt_length)
        return torch.randint(self.config.vocab_size, size, generator=generator).to(self.device)

    def workload(self, generate: Callable[[Tensor], Tensor], **facts: Any) -> Workload:
        """`generate` gets the prompts and returns them with their continuations.

        The operations are those that a cache leaves over: every new token forward once, over the mean context.
        """
        prompts_BT = self.prompts()
        num_tokens = self.batch_size * self.num_new
        context = self.prompt_length + self.num_new // 2

        def step() -> float:
            with torch.no_grad():
                tokens_BT = generate(prompts_BT)
            assert tokens_BT.shape[1] == self.prompt_length + self.num_new
            return float(tokens_BT[:, self.prompt_length :].sum())

        return Workload(
            step,
            items_per_step=num_tokens,
            flops_per_step=flops_per_token(self.config, context) / 3 * num_tokens,
            dtype=self.config.dtype,
            device=str(self.device),
            facts={"prompts": self.batch_size, "prompt_length": self.prompt_length, **facts},
        )


def ours(*, use_cache: bool, **arguments: Any) -> Workload:
    """Our model's own `generate`."""
    setup = Setup(**arguments)
    model = build.make_model(setup.config, setup.device, setup.seed).eval()

    def generate(prompts_BT: Tensor) -> Tensor:
        return model.generate(prompts_BT, max_new_tokens=setup.num_new, temperature=0.0, use_cache=use_cache)

    return setup.workload(generate, use_cache=use_cache)


def twin(**arguments: Any) -> Workload:
    """Autograd's twin, which has no cache: the whole sequence for every token."""
    setup = Setup(**arguments)
    model = AutogradTransformer.from_config(setup.config)
    model.load_state_dict(_weights(setup))
    model.to(setup.device).eval()

    def generate(tokens_BT: Tensor) -> Tensor:
        for _ in range(setup.num_new):
            likeliest_B1 = model(tokens_BT)[:, -1].argmax(-1, keepdim=True)
            tokens_BT = torch.cat([tokens_BT, likeliest_B1], dim=1)
        return tokens_BT

    return setup.workload(generate, use_cache=False)


def gpt2(**arguments: Any) -> Workload:
    """Hugging Face's GPT-2 with its cache, its weights in the dtype of the products, as one serves it."""
    from custom_transformer.benchmarking.hugging_face import gpt2_of

    setup = Setup(**arguments)
    dtype = dtype_from_name(setup.config.dtype)
    model = gpt2_of(setup.config, _weights(setup), setup.device, dtype).eval()
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0

    def generate(prompts_BT: Tensor) -> Tensor:
        mask_BT = torch.ones_like(prompts_BT)
        return model.generate(
            prompts_BT, attention_mask=mask_BT, max_new_tokens=setup.num_new, do_sample=False, use_cache=True
        )

    return setup.workload(generate, use_cache=True)


def _weights(setup: Setup) -> dict[str, Tensor]:
    reference = setup.config.model_copy(update={"kernels": "reference"})
    return build.make_model(reference, torch.device("cpu"), setup.seed).state_dict()
