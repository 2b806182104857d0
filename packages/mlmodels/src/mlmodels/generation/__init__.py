"""From a language model's logits to text: how the next token is chosen, and generation with a KV cache."""
