"""Five eras of the transformer at equal size, as an experiment: configuration, wiring, studies."""
