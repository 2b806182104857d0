"""Where the time and the memory of a training step go: by part of the step, by layer, by operator.

Import from the modules of this package: nothing is loaded here.
"""
