"""The page of one or more benchmarks: self-contained, in the style of the runs' reports."""

import base64
import hashlib
import io
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mlcore.benchmarking import tables
from mlcore.benchmarking.result import BenchmarkResult

_STYLES = ("page.css", "figures.css")


def write_page(path: Path, title: str, results: Sequence[BenchmarkResult], *, lead: str = "") -> Path:
    """Write the page of these results to `path`, whole or not at all, and return it.

    Args:
        title: what was measured.
        lead: a sentence or two below it.
    """
    from mlcore.logger.redaction import redact

    page = redact(render(title, results, lead)).encode("utf-8", errors="replace")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(page)
    os.replace(temporary, path)
    return path


def render(title: str, results: Sequence[BenchmarkResult], lead: str = "") -> str:
    """The page as text."""
    import jinja2
    from markupsafe import Markup

    from mlcore.report.config_view import flatten

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = resources.files("mlcore.benchmarking") / "page.html.j2"
    style = "\n".join(
        (resources.files("mlcore.report") / name).read_text(encoding="utf-8") for name in _STYLES
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    machine = results[0].environment if results else {}
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        title=title,
        lead=lead,
        style=Markup(style),  # noqa: S704  our own files, not input
        digest=digest,
        sections=[_section(number, result) for number, result in enumerate(results)],
        environment=flatten({key: value for key, value in machine.items() if key != "command"}),
    )


def _section(number: int, result: BenchmarkResult) -> dict[str, Any]:
    return {
        "id": f"result-{number + 1}",
        "title": result.title,
        "headings": tables.headings(result),
        "rows": tables.rows(result),
        "warnings": result.warnings,
        "settings": result.settings,
        "picture": _data_uri(result),
    }


def _data_uri(result: BenchmarkResult) -> str:
    buffer = io.BytesIO()
    result.draw().savefig(buffer, format="png", dpi=144, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
