"""The demo's page: one document with its own style and script, under a policy that lets nothing else in."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Page:
    """A document and the content security policy that belongs to it."""

    html: bytes
    policy: str


def render_page(title: str, details: str, classes: Sequence[str]) -> Page:
    """The page for a classifier.

    Args:
        title: its heading, the run's name for instance.
        details: one line below it, the test accuracy for instance; may be empty.
        classes: names of the classes, in the order of the probabilities.
    """
    style, script = (_asset(name) for name in ("page.css", "page.js"))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_asset("page.html.j2"))
    html = template.render(
        title=title,
        details=details,
        classes=classes,
        style=Markup(style),  # noqa: S704 our own files, not input
        script=Markup(script),  # noqa: S704
    )
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(html.encode(), policy)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
