"""What the battery found: a table, JSON, an exit code, an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.errors import UserError
from mlcore.logger.plain_values import write_json_atomic
from mlcore.sanity.check_result import CheckResult
from mlcore.sanity.effort import Level

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"passed": "green", "failed": "bold red", "skipped": "cyan"}


class SanityError(UserError):
    """A check failed."""


@dataclass(frozen=True)
class SanityReport:
    """All results of one battery.

    Attributes:
        level: which battery.
        results: in the order of the checks.
        seconds: all together.
    """

    level: Level
    results: tuple[CheckResult, ...]
    seconds: float

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The results that are faults."""
        return tuple(result for result in self.results if result.status == "failed")

    @property
    def exit_code(self) -> int:
        """1 if anything failed, else 0."""
        return int(bool(self.failed))

    def __getitem__(self, name: str) -> CheckResult:
        """The result of check ``name``; KeyError where it was not made."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(f"no check {name!r}; there are {', '.join(result.name for result in self.results)}")

    def raise_for_failures(self) -> None:
        """Raises ``SanityError`` with one line if anything failed."""
        if not self.failed:
            return
        first, *others = self.failed
        kind = "pre-flight" if self.level == "preflight" else "sanity"
        expected = f"; expected: {first.expected}" if first.expected else ""
        also = f"; also failed: {', '.join(result.name for result in others)}" if others else ""
        skipping = "; --no-preflight trains without these checks" if self.level == "preflight" else ""
        raise SanityError(
            f"{kind} check {first.name} failed: {first.advice} (measured: {first.measured}{expected}{also}{skipping})"
        )

    def as_dict(self) -> dict[str, Any]:
        """The report as plain containers."""
        return {
            "level": self.level,
            "passed": not self.failed,
            "seconds": self.seconds,
            "checks": [result.as_dict() for result in self.results],
        }

    def write(self, path: Path) -> None:
        """Write the report as JSON, whole or not at all."""
        write_json_atomic(path, self.as_dict())

    def print(self, console: Console | None = None) -> None:
        """The table, and one line of verdict."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table("check", "", "measured", "expected, or what to do", "s")
        for result in self.results:
            last = Text(result.advice or result.expected, style="" if result.advice else "dim")
            status = Text(result.status, style=_STYLES[result.status])
            table.add_row(result.name, status, Text(result.measured), last, f"{result.seconds:.1f}")
        console = console or Console()
        console.print(table)
        console.print(self.verdict, style="bold red" if self.failed else "green", highlight=False)

    @property
    def verdict(self) -> str:
        """One line."""
        num_skipped = sum(result.status == "skipped" for result in self.results)
        num_made = len(self.results) - num_skipped
        skipped = f", {num_skipped} skipped" if num_skipped else ""
        outcome = (
            f"{len(self.failed)} of {num_made} checks failed" if self.failed else f"{num_made} checks passed"
        )
        return f"{outcome}{skipped} in {self.seconds:.1f} s"
