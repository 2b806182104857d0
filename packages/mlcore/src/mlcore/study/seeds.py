"""The seeds of a study, as they stand on a command line."""

from mlcore.errors import ConfigError


def parse_seeds(text: str) -> list[int]:
    """ "42,123,456" as numbers.

    Raises:
        ConfigError: no such list, a seed twice, or a negative one.
    """
    try:
        seeds = [int(word) for word in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"command line: --seeds: {text!r} is not a list of whole numbers: 42,123,456"
        ) from None
    if len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise ConfigError(f"command line: --seeds: {text!r} holds a seed twice or a negative one")
    return seeds
