"""The tables of a study: what each era reached, the planned contrasts, samples side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlcore.logger.number_format import format_bytes, format_count, format_duration
from mlcore.statistics import Comparison, Equivalence, Summary
from mlmodels.transformer_eras.presets import Phase
from mlmodels.transformer_eras.size import cache_values_per_token, count_parameters, matmul_parameters

from transformer_phases.study_results import PhaseRuns, StudyResults

MARGIN = 0.01  # nats: a difference that would not matter, set before any run
IN_ORDER: tuple[Phase, ...] = ("phase_1", "phase_2", "phase_3", "phase_4", "phase_5")
NOTHING = "–"


@dataclass(frozen=True)
class Contrast:
    """A planned comparison: an era with an earlier one.

    Attributes:
        equivalence: whether the two differ by less than `MARGIN`.
    """

    comparison: Comparison
    equivalence: Equivalence

    @property
    def verdict(self) -> str:
        """ "No difference" is said only where the test of equivalence shows it."""
        found = self.comparison.verdict
        if found in ("better", "worse"):
            return found
        return f"equal within {MARGIN:g} nats" if self.equivalence.is_equivalent else "undecided"

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        row, test = self.comparison, self.comparison.test
        flips = row.sign_flip
        return (
            f"{row.baseline} → {row.model}",
            str(test.n) if isinstance(test.n, int) else " and ".join(map(str, test.n)),
            NOTHING if test.difference is None else f"{test.difference:+.4f}",
            NOTHING if test.interval is None else f"{test.interval[0]:+.4f} to {test.interval[1]:+.4f}",
            _p(test.p_value),
            _p(row.p_adjusted),
            NOTHING if flips is None else _p(flips.p_value),
            NOTHING if row.effect.value is None else f"{row.effect.value:+.2f}",
            _p(self.equivalence.p_value),
            self.verdict,
        )


CONTRAST_HEADINGS = (
    "contrast",
    "pairs",
    "difference",
    "95 % interval",
    "p (paired t)",
    "p (Holm)",
    "p (sign flip)",
    "effect d_z",
    f"p (equal within {MARGIN:g})",
    "verdict",
)


def is_ladder(results: StudyResults) -> bool:
    """Whether an era stands in the study more than once: as itself, and with single changes."""
    eras = [phase.model.phase for phase in results.phases]
    return len(set(eras)) < len(eras)


def planned_contrasts(results: StudyResults) -> list[tuple[str, str]]:
    """(later, earlier): each era with the one before it, and the last with the first. A tied model is in none.

    In a ladder of single changes each configuration is compared with the first.
    """
    phases = [phase for phase in results.phases if phase.runs]
    if is_ladder(results):
        return [(phase.name, phases[0].name) for phase in phases[1:]]
    by_phase = {phase.model.phase: phase.name for phase in phases}
    names = [by_phase[era] for era in IN_ORDER if era in by_phase]
    pairs = [(later, earlier) for earlier, later in pairwise(names)]
    return [*pairs, (names[-1], names[0])] if len(names) > 2 else pairs


def contrasts(results: StudyResults) -> list[Contrast]:
    """The planned comparisons with p-values adjusted for just these."""
    statistics, pairs = results.statistics, planned_contrasts(results)
    if statistics is None or not pairs:
        return []
    return [
        Contrast(row, statistics.equivalence(row.model, row.baseline, margin=MARGIN))
        for row in statistics.compare_contrasts(pairs)
    ]


SIZE_HEADINGS = (
    "",
    "parameters",
    "not looked up",
    "MFLOP a token",
    "cache values a token",
    "updates",
    "training time",
    "peak memory",
)
PHASE_HEADINGS = (
    "",
    "n",
    "loss, nats a token",
    "bits per byte",
    "accuracy",
    "loss at equal FLOP",
    "tokens to the first row's loss",
    "distinct-2",
    "repetition",
)


def size_rows(results: StudyResults) -> list[tuple[str, ...]]:
    """What each era is and costs."""
    return [
        (
            phase.name,
            f"{count_parameters(phase.model)['total']:,}",
            f"{matmul_parameters(phase.model):,}",
            f"{phase.flops_per_token / 1e6:.2f}",
            f"{cache_values_per_token(phase.model):,}",
            f"{phase.config.training.steps:,}",
            _of(phase.summary("summary.training_s"), format_duration),
            _of(phase.summary("summary.peak_memory_bytes"), format_bytes),
        )
        for phase in results.phases
    ]


def phase_rows(results: StudyResults) -> list[tuple[str, ...]]:
    """What each era reached."""
    flops = [phase.flops_per_token * results.description["tokens"] for phase in results.phases]
    return [_phase_row(phase, results, min(flops)) for phase in results.phases]


def _phase_row(phase: PhaseRuns, results: StudyResults, flops: float) -> tuple[str, ...]:
    at_equal = phase.loss_at_flops(flops)
    return (
        phase.name,
        str(len(phase.runs)),
        _spread(phase.summary("metrics.loss"), 4),
        _spread(phase.summary("metrics.bits_per_byte"), 4),
        _percent(phase.summary("metrics.token_accuracy")),
        NOTHING if at_equal is None else f"{at_equal:.4f}",
        _reached(phase, results),
        _spread(phase.summary("heuristic.means.distinct_2"), 3),
        _spread(phase.summary("heuristic.means.repetition_rate"), 3),
    )


def _reached(phase: PhaseRuns, results: StudyResults) -> str:
    first = results.phases[0].summary("metrics.loss")
    if first is None or first.mean is None or not phase.runs:
        return NOTHING
    places = phase.reached(first.mean, "tokens")
    if not places:
        return "never"
    mean, whole = sum(places) / len(places), results.description["tokens"]
    by = "" if len(places) == len(phase.runs) else f", by {len(places)} of {len(phase.runs)}"
    return f"{format_count(mean)} ({mean / whole:.0%}{by})"


LADDER_HEADINGS = (
    "",
    "n",
    "loss, nats a token",
    "difference",
    "95 % interval",
    "p (Holm)",
    "verdict",
    "MFLOP a token",
    "training time",
)


def ladder_rows(results: StudyResults) -> list[tuple[str, ...]]:
    """The first configuration, and beside the others how they differ from it."""
    by_name = {row.comparison.model: row for row in contrasts(results)}
    rows: list[tuple[str, ...]] = []
    for phase in results.phases:
        found = by_name.get(phase.name)
        _, _, difference, interval, _, adjusted, *_, verdict = found.cells() if found else 10 * (NOTHING,)
        rows.append(
            (
                phase.name,
                str(len(phase.runs)),
                _spread(phase.summary("metrics.loss"), 4),
                *(difference, interval, adjusted, verdict),
                f"{phase.flops_per_token / 1e6:.2f}",
                _of(phase.summary("summary.training_s"), format_duration),
            )
        )
    return rows


def markdown_tables(results: StudyResults) -> list[str]:
    """The page's three tables in Markdown, a line an entry; of a ladder one that says it all."""
    if is_ladder(results):
        return _markdown([(LADDER_HEADINGS, ladder_rows(results))])
    return _markdown(
        [
            (PHASE_HEADINGS, phase_rows(results)),
            (SIZE_HEADINGS, size_rows(results)),
            (CONTRAST_HEADINGS, [row.cells() for row in contrasts(results)]),
        ]
    )


def _markdown(tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> list[str]:
    lines: list[str] = []
    for headings, rows in tables:
        rule = ("---", *["---:"] * (len(headings) - 1))
        lines += [f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows)] + [""]
    return lines[:-1]


def sample_rows(results: StudyResults) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each prompt, (era, text) of the first seed that all eras have."""
    phases = [phase for phase in results.phases if phase.runs]
    shared = [seed for seed in results.description["seeds"] if all(seed in phase.runs for phase in phases)]
    if not phases or not shared:
        return []
    rows: dict[str, list[tuple[str, str]]] = {}
    for phase in phases:
        seen = set()
        for sample in phase.runs[shared[0]].evaluation.get("samples") or []:
            if sample["prompt"] not in seen:  # the first of each prompt
                seen.add(sample["prompt"])
                rows.setdefault(sample["prompt"], []).append((phase.name, sample["text"]))
    return list(rows.items())


def _spread(summary: Summary | None, digits: int) -> str:
    if summary is None or summary.mean is None:
        return NOTHING
    return f"{summary.mean:.{digits}f}" + ("" if summary.sd is None else f" ± {summary.sd:.{digits}f}")


def _percent(summary: Summary | None) -> str:
    if summary is None or summary.mean is None:
        return NOTHING
    return f"{summary.mean:.2%}" + ("" if summary.sd is None else f" ± {summary.sd:.2%}")


def _of(summary: Summary | None, show: Callable[[float], str]) -> str:
    return NOTHING if summary is None or summary.mean is None else show(summary.mean)


def _p(value: float | None) -> str:
    return NOTHING if value is None else "< 0.0001" if value < 1e-4 else f"{value:.4f}"
