"""Puts the report together: one self-contained page that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mlcore.logger.redaction import redact
from mlcore.report.accuracy_curves import accuracy_charts
from mlcore.report.classification_view import classification_view
from mlcore.report.config_view import flatten, highlight_yaml
from mlcore.report.confusion_view import MISS_LEGEND
from mlcore.report.curves import loss_chart, number_table, skipped_steps, small_charts, smoothing_note
from mlcore.report.evaluation_view import evaluation_view
from mlcore.report.headline import main_figures, reason_of, side_figures, status_of
from mlcore.report.line_chart import Chart, draw, hover_data
from mlcore.report.run_contents import RunContents, read_run
from mlcore.report.sample_view import sample_histories

if TYPE_CHECKING:
    import jinja2

_SIZES = {"wide": (900, 340), "narrow": (460, 300)}
_SMALL = (340, 210)
_STYLES = ("page.css", "classification.css", "figures.css")


def build_report(run: Path | str) -> Path:
    """Writes `report.html` into the run folder `run` and returns its path.

    Missing parts are left out or named in a notice. The page shows secrets of the environment nowhere.

    Raises:
        ReportError: `run` is not a run folder.
    """
    contents = read_run(Path(run))
    page = redact(render(contents)).encode("utf-8", errors="replace")
    target = contents.path / "report.html"
    temporary = target.with_name(f".report.html.{os.getpid()}.tmp")
    temporary.write_bytes(page)
    os.replace(temporary, target)
    return target


def render(run: RunContents) -> str:
    """The page as text."""
    return _template().render(**_context(run))


@cache
def _template() -> jinja2.Template:
    import jinja2

    loader = jinja2.FunctionLoader(_asset)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2")


def _context(run: RunContents) -> dict[str, Any]:
    # Our own files, not input: they go in as they stand.
    style, script = Markup("\n".join(map(_asset, _STYLES))), Markup(_asset("page.js"))  # noqa: S704
    loss, accuracy = loss_chart(run), accuracy_charts(run)
    accuracy_looks = [accuracy.accuracy, accuracy.error] if accuracy else []
    sizes = ("narrow",) if loss and accuracy else ("wide", "narrow")  # two of them stand side by side
    small = small_charts(run)
    status_class, status = status_of(run)
    head, rows = number_table(run)
    return {
        "name": run.path.resolve().name,
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "status": status,
        "status_class": status_class,
        "reason": reason_of(run),
        "figures": main_figures(run),
        "side_figures": side_figures(run),
        "notices": run.notices,
        "messages": run.messages,
        "num_warnings": sum(message["kind"] == "warning" for message in run.messages),
        "main_charts": [
            *([_drawn([loss, loss], sizes)] if loss else []),
            *([_drawn(accuracy_looks, sizes)] if accuracy else []),
        ],
        "smoothing_note": smoothing_note(run),
        "num_skipped": len(skipped_steps(run)),
        "small": [(chart, draw(chart, width=_SMALL[0], height=_SMALL[1])) for chart in small],
        "hover": hover_data([*([loss] if loss else []), *accuracy_looks, *small]),
        "table_head": head,
        "table_rows": rows,
        "histories": sample_histories(run),
        "classification": classification_view(run),
        "miss_legend": MISS_LEGEND,
        "evaluation": evaluation_view(run.evaluation),
        "pictures": run.figures,
        "config": highlight_yaml(run.config),
        "environment": flatten(run.environment),
    }


def _drawn(looks: Sequence[Chart], sizes: Sequence[str]) -> dict[str, Any]:
    """A chart on a linear and on a logarithmic scale, in the sizes that the style sheet chooses from.

    `looks` holds the chart for either scale; the names of their titles label the switch where they differ.
    """
    linear, log = looks
    drawn = [
        (f"{name} {scale}", draw(chart, width=_SIZES[name][0], height=_SIZES[name][1], log=scale == "log"))
        for name in sizes
        for scale, chart in (("linear", linear), ("log", log))
    ]
    labels = ("linear", "log") if linear is log else (linear.title.lower(), log.title.lower())
    legend = [series for series in linear.series if series.in_legend]
    return {"chart": linear, "drawn": drawn, "legend": legend, "labels": labels}


def _policy(style: str, script: str) -> str:
    """A content security policy: nothing loads, only our own style and script run, pictures lie in the page."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (resources.files("mlcore.report") / name).read_text(encoding="utf-8")
