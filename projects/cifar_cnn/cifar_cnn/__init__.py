"""Networks for small photographs as an experiment: their configuration, their wiring, their evaluation."""
