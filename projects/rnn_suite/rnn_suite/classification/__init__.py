"""Classifiers of texts: `train_classifier` and `evaluate_classifier`."""
