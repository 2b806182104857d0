"""Recurrent language models as an experiment: their configuration, their wiring, their trainer."""
