"""How numbers are shown to people: in progress lines and in the report."""

from __future__ import annotations

import math


def format_number(value: float, digits: int = 4) -> str:
    """About `digits` significant digits: 3.2145, 0.01234, 3.00e-04, 12,345."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    magnitude = abs(value)
    if magnitude == 0:
        return "0"
    if magnitude >= 10_000:
        return f"{value:,.0f}"
    if magnitude < 1e-3:
        return f"{value:.{max(digits - 2, 0)}e}"
    decimals = max(digits - 1 - math.floor(math.log10(magnitude)), 0)
    return f"{value:,.{decimals}f}"


def format_loss(value: float) -> str:
    """Losses keep four decimals, so that successive lines stand under one another."""
    return f"{value:.4f}" if math.isfinite(value) and abs(value) < 10_000 else format_number(value)


def format_count(value: float) -> str:
    """Short counts: 950, 12.4k, 1.25M, 3.1G."""
    if not math.isfinite(value):
        return format_number(value)
    for limit, divisor, suffix in ((1e3, 1, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M"), (1e12, 1e9, "G")):
        if abs(value) < limit * 0.9995 or suffix == "G":
            scaled = value / divisor
            return f"{scaled:.0f}" if suffix == "" else f"{scaled:.3g}{suffix}"
    raise AssertionError("unreachable: the last row takes everything")


def format_duration(seconds: float) -> str:
    """42 s, 3 min 20 s, 2 h 05 min, 3 d 4 h."""
    if not math.isfinite(seconds):
        return "–"
    if 0 <= seconds < 9.95:
        return f"{seconds:.1f} s"
    total = max(0, round(seconds))
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60:02d} s"
    if total < 86_400:
        return f"{total // 3600} h {total % 3600 // 60:02d} min"
    return f"{total // 86_400} d {total % 86_400 // 3600} h"


def format_bytes(num_bytes: float) -> str:
    """Binary multiples: 512 B, 1.5 MiB, 2.25 GiB."""
    size = float(num_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"
