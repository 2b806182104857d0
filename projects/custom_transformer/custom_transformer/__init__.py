"""The hand-differentiated transformer as an experiment: its configuration, its wiring, its trainer."""
