"""Puts the report together: one self-contained page that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import os
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mlcore.logger.redaction import redact
from mlcore.report.config_view import flatten, highlight_yaml
from mlcore.report.curves import loss_chart, number_table, skipped_steps, small_charts, smoothing_note
from mlcore.report.evaluation_view import evaluation_view
from mlcore.report.headline import main_figures, reason_of, side_figures, status_of
from mlcore.report.line_chart import Chart, draw, hover_data
from mlcore.report.run_contents import RunContents, read_run
from mlcore.report.sample_view import sample_histories

_WIDE = (900, 340)
_NARROW = (460, 300)
_SMALL = (340, 210)


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
    import jinja2

    loader = jinja2.FunctionLoader(_asset)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2").render(**_context(run))


def _context(run: RunContents) -> dict[str, Any]:
    # Our own files, not input: they go in as they stand.
    style, script = Markup(_asset("page.css")), Markup(_asset("page.js"))  # noqa: S704
    loss = loss_chart(run)
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
        "loss": _drawn_loss(loss),
        "smoothing_note": smoothing_note(run),
        "num_skipped": len(skipped_steps(run)),
        "small": [(chart, draw(chart, width=_SMALL[0], height=_SMALL[1])) for chart in small],
        "hover": hover_data([*([loss] if loss else []), *small]),
        "table_head": head,
        "table_rows": rows,
        "histories": sample_histories(run),
        "evaluation": evaluation_view(run.evaluation),
        "config": highlight_yaml(run.config),
        "environment": flatten(run.environment),
    }


def _drawn_loss(chart: Chart | None) -> dict[str, Any] | None:
    """The loss chart in two sizes and two scales; the style sheet shows the one that fits."""
    if chart is None:
        return None
    drawn = [
        (f"{name} {scale}", draw(chart, width=size[0], height=size[1], log=scale == "log"))
        for name, size in (("wide", _WIDE), ("narrow", _NARROW))
        for scale in ("linear", "log")
    ]
    legend = [series for series in chart.series if series.in_legend]
    return {"chart": chart, "drawn": drawn, "legend": legend}


def _policy(style: str, script: str) -> str:
    """A content security policy under which nothing loads and only our own style and script run."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (resources.files("mlcore.report") / name).read_text(encoding="utf-8")
