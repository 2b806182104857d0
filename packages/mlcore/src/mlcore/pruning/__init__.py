"""Weights taken out of a trained model: which ones, and how they stay out while the rest is trained on.

A masked weight is a zero among the others: it is multiplied like any other, so it saves no time and no memory by
itself. What it saves is entropy (the file compresses) and, for whole filters, the right to build a smaller model.

Import from the modules of this package: nothing is loaded here.
"""
