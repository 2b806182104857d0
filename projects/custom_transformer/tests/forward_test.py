"""By hand, not by pytest: one forward pass, one backward pass, one step, with the shapes and norms printed.

python tests/forward_test.py
"""

import torch
from mlmodels.custom_transformer import CustomTransformerWrapper


def main() -> None:
    """Print what a single training step does."""
    torch.manual_seed(0)
    wrapper = CustomTransformerWrapper(
        vocab_size=101, d_model=64, n_blocks=2, n_heads=4, d_ffn=128, max_seq_len=32, dtype=torch.float32
    )
    tokens = torch.randint(0, 101, (4, 16))
    outputs = wrapper.forward(tokens, labels=tokens)
    print(f"logits {tuple(outputs['logits'].shape)}, loss {outputs['loss'].item():.4f} (ln 101 = 4.6151)")
    wrapper.model.loss_and_gradient(tokens[:, :-1], tokens[:, 1:])
    for name, parameter in wrapper.model.named_parameters():
        print(f"{name:<28} {tuple(parameter.shape)!s:<12} gradient norm {parameter.grad.norm():.4f}")
    for step in range(3):
        print(f"step {step}: {wrapper.train_step(tokens, tokens, learning_rate=0.1)}")
    print(f"generated: {wrapper.generate(tokens[:1, :4], max_length=12, seed=0)[0].tolist()}")


if __name__ == "__main__":
    main()
