"""One variant of a benchmark, and what a list of variants must be like."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlcore.config.run_name import check_run_name
from mlcore.errors import UserError

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class BenchmarkError(UserError):
    """Variants or settings that cannot be measured."""

    exit_code = 2


@dataclass(frozen=True)
class Variant:
    """A target with its arguments, measured in a process of its own.

    Args:
        name: what tables call it; names its log file.
        target: ``package.module:function``; called with `arguments` in the child, returns a `Workload`.
        arguments: keyword arguments of the target, ready for JSON.
        imports: modules imported before the base memory is read, beside the target's own: what the target imports
            while it builds would count as the model's memory.
        environment: variables that its process gets beside the caller's: an allocator's settings, for instance.
    """

    name: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def check_variants(variants: Sequence[Variant]) -> None:
    """Refuse a list of variants that could not be measured.

    Raises:
        BenchmarkError: no variant, a name twice or one that cannot name a file, a target that is no
            ``module:function``, arguments that JSON cannot hold.
    """
    if not variants:
        raise BenchmarkError("a benchmark needs at least one variant, got an empty list")
    names: set[str] = set()
    for variant in variants:
        try:
            check_run_name(variant.name)
        except ValueError as error:
            raise BenchmarkError(f"variant name {error}") from None
        if variant.name.casefold() in names:
            raise BenchmarkError(f"two variants have the name {variant.name!r}")
        names.add(variant.name.casefold())
        if not _TARGET.fullmatch(variant.target):
            raise BenchmarkError(
                f"variant {variant.name!r}: target {variant.target!r} is not of the form package.module:function"
            )
        try:
            json.dumps(dict(variant.arguments))
        except (TypeError, ValueError) as error:
            raise BenchmarkError(f"variant {variant.name!r}: arguments: {error}") from None
