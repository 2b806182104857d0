"""The command `benchmark`: our transformer beside autograd's and Hugging Face's, each in its own process."""
