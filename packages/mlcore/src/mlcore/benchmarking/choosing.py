"""What the parameters of a `benchmark` command line mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.benchmarking.settings import BenchmarkSettings
from mlcore.config.problems import suggestion
from mlcore.device import choose_precision
from mlcore.errors import ConfigError


def chosen_names(text: str | None, known: Sequence[str], *, suffix: str = "") -> list[str]:
    """The variants of ``--variants``, all without it; a name may also end in `suffix`.

    Raises:
        ConfigError: an unknown name.
    """
    wanted = [word.strip() for word in text.split(",")] if text else list(known)
    for name in wanted:
        if name.removesuffix(suffix) not in known:
            near = suggestion(name, list(known)) or f"; there are: {', '.join(known)}"
            raise ConfigError(f"command line: --variants: no variant {name!r}{near}")
    return list(dict.fromkeys(wanted))


def chosen_dtypes(dtypes: Sequence[str], device: Any) -> tuple[str, ...]:
    """Those asked for; else float32, and bfloat16 where the hardware of `device` multiplies it."""
    if dtypes:
        return tuple(dict.fromkeys(dtypes))
    has_bf16 = choose_precision("auto", device).name == "bf16"
    return ("float32", "bfloat16") if has_bf16 else ("float32",)


def settings_of(extra: Mapping[str, Any]) -> BenchmarkSettings:
    """Rounds, steps, threads and limit of `BENCHMARK_OPTIONS`."""
    return BenchmarkSettings(
        rounds=extra["rounds"],
        steps_per_round=extra["steps"],
        threads=extra["threads"],
        time_limit_s=extra["time_limit"],
    )
