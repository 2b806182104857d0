"""All checks in order: from what is read off the data to what needs training."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

import torch

from mlcore.errors import InterruptedRun
from mlcore.sanity.bench import Bench
from mlcore.sanity.check_result import CheckResult, Finding, skip
from mlcore.sanity.checks import (
    batch_independence,
    determinism,
    evaluation_mode,
    gradients,
    initial_outputs,
    inputs,
    labels,
    leakage,
    learnable_relation,
    overfit,
    random_labels,
    single_batch,
)
from mlcore.sanity.effort import EFFORTS, TIME_LIMITS_S, Level
from mlcore.sanity.report import SanityReport
from mlcore.sanity.subject import SanitySubject
from mlcore.trainer.random_state import preserved_rng


@dataclass(frozen=True)
class Check:
    """A check and when it is made.

    Attributes:
        name: as in the report.
        run: the check itself.
        in_preflight: whether it is cheap enough to go before every run.
        needs_labels: whether it makes no sense with labels that are no classes.
    """

    name: str
    run: Callable[[Bench], Finding]
    in_preflight: bool = True
    needs_labels: bool = True


CHECKS = (
    Check("labels", labels.check, needs_labels=False),
    Check("inputs", inputs.check, needs_labels=False),
    Check("leakage", leakage.check, needs_labels=False),
    Check("initial_outputs", initial_outputs.check),
    Check("evaluation_mode", evaluation_mode.check),
    Check("batch_independence", batch_independence.check),
    Check("gradients", gradients.check),
    Check("determinism", determinism.check),
    Check("single_batch", single_batch.check),
    Check("learnable_relation", learnable_relation.check),
    Check("overfit", overfit.check, in_preflight=False),
    Check("random_labels", random_labels.check, in_preflight=False),
)


def run_battery(
    subject: SanitySubject,
    *,
    level: Level = "full",
    only: Sequence[str] | None = None,
    time_limit_s: float | None = None,
    seed: int = 0,
    on_result: Callable[[CheckResult], None] | None = None,
) -> SanityReport:
    """Examine ``subject``. Models and trainers are made afresh; random generators stand afterwards as before.

    Args:
        subject: factories.
        level: "full" is every check; "preflight" the cheap ones, at smaller sizes: 2 to 5 seconds for a network
            of 235,000 parameters on 28 × 28 images.
        only: names of the checks to make, from all of them; None: those of ``level``.
        time_limit_s: about how long it may take; a training check that is cut short is skipped, never failed.
            None: 20 seconds for "preflight", no limit for "full".
        seed: of the battery's models, orders and choices.
        on_result: told each result as it comes.

    Raises:
        InterruptedRun: Ctrl-C or SIGTERM.
        ValueError: ``only`` has a name that is no check.
    """
    checks = _selected(level, only)
    bench = Bench(subject, EFFORTS[level], seed=seed)
    limit = TIME_LIMITS_S[level] if time_limit_s is None else time_limit_s
    began_at = bench.clock()
    end = inf if limit is None else began_at + limit
    results = []
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    with _undisturbed():
        for index, check in enumerate(checks):
            # What the quick checks leave goes to those behind them.
            now = bench.clock()
            bench.deadline = now + (end - now) / (len(checks) - index)
            finding = (
                skip("runs in one process only, this is one of several") if several else _run(check, bench)
            )
            results.append(finding.as_result(check.name, bench.clock() - now))
            if on_result is not None:
                on_result(results[-1])
    return SanityReport(level, tuple(results), bench.clock() - began_at)


def _selected(level: Level, only: Sequence[str] | None) -> list[Check]:
    if only is None:
        return [check for check in CHECKS if check.in_preflight or level == "full"]
    names = [check.name for check in CHECKS]
    for name in only:
        if name not in names:
            nearest = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise ValueError(f"there is no check {name!r}{hint} (checks: {', '.join(names)})")
    return [check for check in CHECKS if check.name in only]


def _run(check: Check, bench: Bench) -> Finding:
    """One check; if it breaks down, that is a fault of the subject, and the others still run."""
    if bench.is_late:
        return skip("the time limit was reached before it")
    try:
        if check.needs_labels and not bench.labels_are_valid:
            return skip("needs valid labels")
        return check.run(bench)
    except InterruptedRun:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        return Finding("did not run to its end", problems=(f"{type(error).__name__}: {reason}",))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Random generators, and torch's deterministic mode, as they were."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    gradients_on = torch.is_grad_enabled()
    with preserved_rng():
        try:
            with torch.enable_grad():
                yield
        finally:
            torch.use_deterministic_algorithms(deterministic)
            torch.set_grad_enabled(gradients_on)
