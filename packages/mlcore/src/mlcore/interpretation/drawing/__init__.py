"""Figures of what this package computes. Every function returns a matplotlib figure and touches no global state."""
