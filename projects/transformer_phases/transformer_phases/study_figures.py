"""The pictures of a study: loss over tokens, operations and seconds, and the final losses of all runs."""

from typing import TYPE_CHECKING

from transformer_phases.study_results import PhaseRuns, StudyResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008): told apart by every kind of colour vision.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#000000")
AXES = {"tokens": "training tokens", "flops": "training operations (FLOP)", "seconds": "training seconds"}
_BOTTOM_SHARE = 0.75  # the first points, high above all others, would flatten the rest


def draw_curves(results: StudyResults) -> "Figure":
    """One panel an axis; the line is the mean over seeds, the band one standard deviation to either side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, len(AXES), sharey=True)
    for panel, (axis, label) in zip(panels, AXES.items(), strict=True):
        for number, phase in enumerate(results.phases):
            _draw_curve(panel, phase, axis, COLOURS[number % len(COLOURS)])
        panel.set_xlabel(label)
        panel.grid(color="0.93")
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xlim(left=0)
    panels[0].set_ylabel("validation loss, nats per token")
    _limit(panels[0], results)
    panels[0].legend(frameon=False, fontsize=9)
    return figure


def _draw_curve(panel: "Axes", phase: PhaseRuns, axis: str, colour: str) -> None:
    curve = phase.curve(axis)
    if curve is None:
        return
    places, means, spreads = curve
    panel.fill_between(places, means - spreads, means + spreads, color=colour, alpha=0.2, linewidth=0)
    panel.plot(places, means, "o-", color=colour, markersize=3, linewidth=1.5, label=phase.name)


def _limit(panel: "Axes", results: StudyResults) -> None:
    means = [curve[1] for phase in results.phases if (curve := phase.curve("tokens")) is not None]
    if not means:
        return
    low, high = min(float(values.min()) for values in means), max(float(values.max()) for values in means)
    if all(len(values) > 4 for values in means):
        high = max(float(values[int(len(values) * (1 - _BOTTOM_SHARE))]) for values in means)
    margin = 0.05 * (high - low) or 0.1
    panel.set_ylim(low - margin, high + margin)


def draw_final_losses(results: StudyResults) -> "Figure":
    """Every run as a dot, the mean as a tick, its 95 % interval as a line."""
    from matplotlib.figure import Figure

    phases = [phase for phase in results.phases if phase.runs]
    figure = Figure(figsize=(9, 0.55 * len(phases) + 1.1), layout="constrained")
    axes = figure.add_subplot()
    for row, phase in enumerate(reversed(phases)):
        colour = COLOURS[results.phases.index(phase) % len(COLOURS)]
        summary = phase.summary("metrics.loss")
        if summary is not None and summary.interval is not None:
            axes.hlines(row, *summary.interval, color="0.6", linewidth=2)
        if summary is not None and summary.mean is not None:
            axes.plot(summary.mean, row, "|", color="black", markersize=14)
        losses = list(phase.values("metrics.loss").values())
        axes.plot(losses, [row] * len(losses), "o", color=colour, alpha=0.7)
    axes.set_yticks(range(len(phases)), [phase.name for phase in reversed(phases)])
    axes.set_xlabel("validation loss, nats per token: runs (dots), mean and its 95 % interval")
    axes.grid(axis="x", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
