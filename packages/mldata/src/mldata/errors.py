"""What can go wrong with data, one line each, with the exit code that a command leaves with."""

import difflib
from collections.abc import Iterable


class DataError(Exception):
    """Data that is missing, damaged or not what it should be."""

    exit_code = 3


class UnknownDatasetError(DataError):
    """A name that the registry does not hold: a mistake on the command line or in a config."""

    exit_code = 2


class UnsafeNameError(DataError):
    """A data set's or tokenizer's name that could reach outside its folder."""

    exit_code = 2


class TokenizerError(DataError):
    """A tokenizer that is missing, damaged, of another fingerprint, or cannot encode what it was given."""


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` with the nearest allowed name, or the whole list where none is near."""
    choices = sorted(allowed)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(choices) or 'none'}"
