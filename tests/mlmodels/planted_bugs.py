"""A bug that is planted in a source, so that a test can be seen to catch it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One stretch of a source replaced by another.

    Attributes:
        bug: what is then wrong.
        source: which source: a module or a file, as the test that plants it names them.
        old: what is replaced; it must occur exactly once.
        new: what takes its place.
    """

    bug: str
    source: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.source}: {self.bug}"

    def applied_to(self, text: str) -> str:
        """The source with the bug in it."""
        assert text.count(self.old) == 1, f"{self.old!r} occurs {text.count(self.old)} times"
        return text.replace(self.old, self.new)
