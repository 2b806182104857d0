"""search.html: one page about a search that opens from disk and loads nothing."""

import base64
from importlib import resources
from pathlib import Path

from mlcore.logger.number_format import format_duration, format_number
from mlcore.logger.redaction import redact
from mlcore.search.results import SearchResult, shown_value


def write_page(result: SearchResult) -> Path:
    """Write search.html into the folder of the search."""
    path = result.plan.folder / "search.html"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(redact(render(result)), encoding="utf-8", errors="replace")
    temporary.replace(path)
    return path


def render(result: SearchResult) -> str:
    """The page as text: the best trials first, then those that failed."""
    import jinja2
    from markupsafe import Markup

    source = (resources.files("mlcore.search") / "page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = (resources.files("mlcore.report") / "page.css").read_text(encoding="utf-8")
    plan = result.plan
    return environment.from_string(source).render(
        plan=plan,
        result=result,
        best=result.best,
        keys=list(plan.search.space),
        rows=[*result.ranked, *(record for record in result.records if record.status != "done")],
        picture=_picture(plan.folder / "search.png") if result.ranked else None,
        best_config=plan.best_path.read_text(encoding="utf-8") if plan.best_path.is_file() else None,
        style=Markup(style),  # noqa: S704 - our own file
        number=format_number,
        shown=shown_value,
        duration=format_duration,
    )


def _picture(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
