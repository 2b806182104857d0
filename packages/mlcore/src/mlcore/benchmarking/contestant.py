"""One variant while it is measured: its process, and what came out so far. Its failure stops nobody else."""

import time
from pathlib import Path
from typing import Any

from mlcore.benchmarking.child import Child, ChildError
from mlcore.benchmarking.machine_load import other_cpu_share, read_load
from mlcore.benchmarking.measurement import Measurement, Turn
from mlcore.benchmarking.settings import BenchmarkSettings
from mlcore.benchmarking.variant import Variant


class Contestant:
    """Starts nothing until `prepare`; every method does nothing once it has failed.

    Args:
        path: what the child can import from.
        clock_began: zero of the turns' times, by `time.monotonic`.
    """

    def __init__(
        self,
        variant: Variant,
        settings: BenchmarkSettings,
        log_path: Path,
        path: list[str],
        clock_began: float,
    ) -> None:
        self.variant = variant
        self.failure: str | None = None
        self._settings, self._log_path, self._path = settings, log_path, path
        self._clock_began = clock_began
        self._child: Child | None = None
        self._figures: dict[str, Any] = {}
        self._peaks: list[dict[str, int | None]] = []
        self._steady_peaks: list[dict[str, int | None]] = []
        self._turns: list[Turn] = []

    @property
    def dtype_and_device(self) -> tuple[str, str] | None:
        """Of its products; None where there is nothing to compare them with."""
        dtype = self._figures.get("dtype")
        return None if self.failure is not None or dtype is None else (dtype, self._figures["device"])

    def prepare(self) -> None:
        """Start, build, take the first step and those that warm up."""
        try:
            self._prepare()
        except (ChildError, OSError) as error:
            self._fail(str(error), "before the first round")

    def measure(self, number: int) -> None:
        """Its turn in round `number`."""
        if self._child is None or self.failure is not None:
            return
        before = read_load()
        try:
            is_first = not self._turns
            answer = self._ask("steps", count=self._settings.steps_per_round, is_peak_fresh=is_first)
        except ChildError as error:
            self._fail(str(error), f"in round {number + 1}")
            return
        share = other_cpu_share(before, read_load(), answer["turn_cpu_s"])
        self._steady_peaks.append(answer["peak"])
        self._turns.append(
            Turn(
                round=number,
                began_s=answer["began"] - self._clock_began,
                ended_s=answer["ended"] - self._clock_began,
                wall_s=tuple(answer["wall_s"]),
                cpu_s=tuple(answer["cpu_s"]),
                idle_cpu_s=answer["idle_cpu_s"],
                other_cpu_share=share,
                value=answer["value"],
            )
        )

    def close(self) -> None:
        """End the process in good order."""
        if self._child is not None and self.failure is None:
            self._child.close()

    def kill(self) -> None:
        """End the process at once."""
        if self._child is not None:
            self._child.kill()

    def measurement(self) -> Measurement:
        """What is known by now."""
        figures = dict(self._figures)
        is_exact = figures.pop("is_peak_exact", False)
        base = figures.get("base_memory_bytes")
        steady = _highest_above(base, self._steady_peaks)
        return Measurement(
            variant=self.variant,
            failure=self.failure,
            peak_memory_bytes=_highest_above(base, [*self._peaks, *self._steady_peaks]),
            steady_memory_bytes=steady if is_exact else None,
            turns=tuple(self._turns),
            **figures,
        )

    def _prepare(self) -> None:
        variant = self.variant
        self._child = Child(self._settings.environment(variant.environment), self._log_path)
        built = self._ask(
            "build",
            path=self._path,
            target=variant.target,
            arguments=dict(variant.arguments),
            imports=list(variant.imports),
            threads=self._settings.threads,
        )
        self._peaks.append(built.pop("peak"))
        self._figures = {**built, "start_up_s": time.perf_counter() - self._child.started}
        first = self._ask("steps", count=1, is_peak_fresh=False)
        self._figures["first_step_s"] = first["wall_s"][0]
        self._peaks.append(first["peak"])
        if self._settings.warm_up_steps:
            warm = self._ask("steps", count=self._settings.warm_up_steps, is_peak_fresh=False)
            self._peaks.append(warm["peak"])

    def _ask(self, do: str, **details: Any) -> dict[str, Any]:
        assert self._child is not None
        return self._child.ask(do, self._settings.time_limit_s, **details)

    def _fail(self, words: str, moment: str) -> None:
        self.failure = f"{words} ({moment})"
        self.kill()


def _highest_above(base: int | None, peaks: list[dict[str, int | None]]) -> int | None:
    """Highest peak of the accelerator, or else of the process above its base."""
    on_device = [peak["device"] for peak in peaks if peak["device"] is not None]
    if on_device:
        return max(on_device)
    in_process = [peak["process"] for peak in peaks if peak["process"] is not None]
    return None if base is None or not in_process else max(0, max(in_process) - base)
