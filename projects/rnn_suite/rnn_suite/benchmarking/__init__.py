"""The command `benchmark`: our recurrent layers beside torch's, each variant in its own process."""
