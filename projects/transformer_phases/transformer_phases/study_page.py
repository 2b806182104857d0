"""report.html, results.json and curves.png of a study; the page opens from disk and loads nothing."""

import base64
import io
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from mlcore.logger.plain_values import write_json_atomic
from mlcore.logger.redaction import redact

from transformer_phases.study_figures import draw_curves, draw_final_losses
from transformer_phases.study_results import StudyResults
from transformer_phases.study_tables import (
    CONTRAST_HEADINGS,
    MARGIN,
    PHASE_HEADINGS,
    SIZE_HEADINGS,
    contrasts,
    is_ladder,
    markdown_tables,
    phase_rows,
    sample_rows,
    size_rows,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_page(results: StudyResults) -> Path:
    """Write the files into the study's folder; returns the page."""
    write_json_atomic(results.folder / "results.json", as_json(results))
    if any(phase.runs for phase in results.phases):
        draw_curves(results).savefig(results.folder / "curves.png", dpi=144)
    path = results.folder / "report.html"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(redact(render(results)), encoding="utf-8", errors="replace")
    temporary.replace(path)
    return path


def as_json(results: StudyResults) -> dict[str, object]:
    """Every number of the page."""
    planned = contrasts(results)
    return {
        **results.description,
        "repeats": len(results.description["seeds"]),
        "table": markdown_tables(results),
        "losses": {
            phase.name: {str(k): v for k, v in phase.values("metrics.loss").items()}
            for phase in results.phases
        },
        "curves": {
            phase.name: {
                str(run.seed): {"tokens": run.tokens, "loss": run.losses, "seconds": run.seconds}
                for run in phase.runs.values()
            }
            for phase in results.phases
        },
        "statistics": None if results.statistics is None else results.statistics.as_dict(),
        "contrasts": [
            {**row.comparison.as_dict(), "equivalence": row.equivalence.as_dict(), "conclusion": row.verdict}
            for row in planned
        ],
    }


def render(results: StudyResults) -> str:
    """The page as text."""
    import jinja2
    from markupsafe import Markup

    source = (resources.files("transformer_phases") / "study_page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = (resources.files("mlcore.report") / "page.css").read_text(encoding="utf-8")
    has_runs = any(phase.runs for phase in results.phases)
    statistics = results.statistics
    return environment.from_string(source).render(
        style=Markup(style),  # noqa: S704 - our own file
        title=title_of(results),
        description=results.description,
        num_runs=sum(len(phase.runs) for phase in results.phases),
        num_planned=len(results.phases) * len(results.description["seeds"]),
        best=None if statistics is None else statistics.ranking()[0],
        curves=_picture(draw_curves(results)) if has_runs else None,
        final=_picture(draw_final_losses(results)) if has_runs else None,
        tables=((PHASE_HEADINGS, phase_rows(results)), (SIZE_HEADINGS, size_rows(results))),
        contrast_headings=CONTRAST_HEADINGS,
        contrasts=[row.cells() for row in contrasts(results)],
        samples=sample_rows(results),
        margin=MARGIN,
    )


def title_of(results: StudyResults) -> str:
    """What is compared."""
    if is_ladder(results):
        return f"{results.phases[0].name} with single changes"
    return "Five eras of the transformer at equal size"


def _picture(figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=144, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
