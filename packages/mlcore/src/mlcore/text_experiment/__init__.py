"""What projects that train language models on text share: the commands `train`, `evaluate` and `sample`.

A project's `build` module is the wiring that they ask for (`wiring.TextWiring`): it alone knows constructors. Text,
tokens and windows come from the package of data, the model from the package of models; here they are known by what they
can do. Import from the modules of this package: nothing is loaded here.
"""
