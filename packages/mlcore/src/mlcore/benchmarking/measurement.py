"""What was measured of one variant."""

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from mlcore.benchmarking.spread import Spread, spread_of
from mlcore.benchmarking.variant import Variant

Clock = Literal["wall", "cpu"]


@dataclass(frozen=True)
class Turn:
    """The steps of one round.

    Attributes:
        round: its number, from 0.
        began_s, ended_s: seconds since the benchmark began, by the clock that all processes share.
        wall_s, cpu_s: of every step; CPU seconds are those of all threads of the child.
        idle_cpu_s: CPU seconds that the child spent since its last turn, while it should have slept.
        other_cpu_share: share of the machine that other processes used meanwhile; None where it cannot be read.
        value: what the last step returned, the loss for instance.
    """

    round: int
    began_s: float
    ended_s: float
    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    idle_cpu_s: float = 0.0
    other_cpu_share: float | None = None
    value: float | None = None

    def seconds(self, clock: Clock) -> float:
        """Median of its steps."""
        return statistics.median(self.wall_s if clock == "wall" else self.cpu_s)


@dataclass(frozen=True)
class Measurement:
    """A variant's figures; those that its failure kept from being measured are None.

    Attributes:
        failure: what went wrong and when; None: nothing.
        import_s, build_s, start_up_s: seconds of importing, of building, and from the start of the process to the end
            of building.
        first_step_s: seconds of the first step: where there is a compiler, it works here.
        base_memory_bytes: resident memory after the imports, before building.
        peak_memory_bytes: the most above the base, from building to the last step: on the accelerator where one is
            used, else of the process, with the compiler's own memory but without that of its worker processes.
        steady_memory_bytes: the same during the rounds alone; None where the peak cannot be reset.
        threads: of the numeric libraries.
        facts: what the target says about itself.
    """

    variant: Variant
    failure: str | None = None
    import_s: float | None = None
    build_s: float | None = None
    start_up_s: float | None = None
    first_step_s: float | None = None
    base_memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    steady_memory_bytes: int | None = None
    threads: int | None = None
    items_per_step: float | None = None
    flops_per_step: float | None = None
    dtype: str | None = None
    device: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.variant.name

    def step_s(self, clock: Clock = "wall") -> Spread | None:
        """Seconds of a step, over all steps of all rounds."""
        return spread_of([s for turn in self.turns for s in (turn.wall_s if clock == "wall" else turn.cpu_s)])

    def items_per_s(self, clock: Clock = "wall") -> Spread | None:
        """Items a second, over all steps of all rounds."""
        return self._rates(self.items_per_step, clock)

    @property
    def samples_per_s(self) -> float | None:
        """Sequences or images a second, where an item is only a part of one: its target says how many items a sample
        has, in the fact ``items_per_sample``."""
        rate, num_items = self.items_per_s(), self.facts.get("items_per_sample")
        return rate.median / num_items if rate is not None and num_items else None

    def flops_per_s(self, clock: Clock = "wall") -> Spread | None:
        """The model's floating-point operations a second, over all steps; None where they are not known."""
        return self._rates(self.flops_per_step, clock)

    def rates(self, clock: Clock = "wall", *, of_flops: bool = False) -> dict[int, float]:
        """Items (or operations) a second, by round: of the median step."""
        amount = self.flops_per_step if of_flops else self.items_per_step
        pairs = ((turn.round, turn.seconds(clock)) for turn in self.turns)
        return {number: amount / seconds for number, seconds in pairs if amount and seconds > 0}

    @property
    def contention(self) -> float | None:
        """Wall time over (CPU time / threads), median of the steps: 1 where all threads always ran, more where they
        waited: for other processes, for one another, or for the device, so that it says nothing on an accelerator."""
        if not self.threads or (self.device or "cpu") != "cpu":
            return None
        pairs = [pair for turn in self.turns for pair in zip(turn.wall_s, turn.cpu_s, strict=True)]
        waits = [wall * self.threads / cpu for wall, cpu in pairs if cpu > 0]
        return statistics.median(waits) if waits else None

    @property
    def other_cpu_share(self) -> float | None:
        """Share of the machine that other processes used during its turns, weighted by their length."""
        known = [
            (t.other_cpu_share, t.ended_s - t.began_s) for t in self.turns if t.other_cpu_share is not None
        ]
        total = sum(length for _, length in known)
        return sum(share * length for share, length in known) / total if total > 0 else None

    @property
    def idle_cpu_s(self) -> float:
        """CPU seconds that it spent while others had their turns."""
        return sum(turn.idle_cpu_s for turn in self.turns[1:])

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; times of all steps included."""
        fields = {name: value for name, value in vars(self).items() if name not in ("variant", "turns")}
        spreads = {
            "step_s": self.step_s(),
            "cpu_step_s": self.step_s("cpu"),
            "items_per_s": self.items_per_s(),
            "flops_per_s": self.flops_per_s(),
        }
        return {
            **asdict(self.variant),
            **fields,
            **{name: None if spread is None else spread.as_dict() for name, spread in spreads.items()},
            "contention": self.contention,
            "other_cpu_share": self.other_cpu_share,
            "idle_cpu_s": self.idle_cpu_s,
            "turns": [asdict(turn) for turn in self.turns],
        }

    def _rates(self, amount: float | None, clock: Clock) -> Spread | None:
        seconds = [s for turn in self.turns for s in (turn.wall_s if clock == "wall" else turn.cpu_s)]
        return spread_of([amount / s for s in seconds if s > 0]) if amount else None
