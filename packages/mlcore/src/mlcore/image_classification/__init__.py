"""Experiments with image classifiers: what `train`, `evaluate`, `sanity` and the pictures do in every project.

A project says what its data and models are in one module, its `build.py`; that module is a `Wiring`. Import from the
modules of this package: nothing is loaded here.
"""
