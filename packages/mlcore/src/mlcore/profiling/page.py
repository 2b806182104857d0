"""profile.html: one page about a training step that opens from disk and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import os
from importlib import resources
from pathlib import Path
from typing import Any

from mlcore.logger.number_format import format_bytes, format_count, format_number
from mlcore.profiling.profile import StepProfile
from mlcore.profiling.tables import layers_table, milliseconds, operators_table, parts_table

_BAR_WIDTH = 1000.0


def write_page(path: Path, profile: StepProfile, *, unit: str) -> Path:
    """Write the page to `path`, whole or not at all, and return it."""
    from mlcore.logger.redaction import redact

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(redact(render(profile, unit)).encode("utf-8", errors="replace"))
    os.replace(temporary, path)
    return path


def render(profile: StepProfile, unit: str) -> str:
    """The page as text."""
    import jinja2
    from markupsafe import Markup

    from mlcore.report.config_view import flatten

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    own = resources.files("mlcore.profiling")
    style = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (resources.files("mlcore.report") / "page.css", own / "profile.css")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    machine = {key: value for key, value in profile.environment.items() if key != "command"}
    return environment.from_string((own / "page.html.j2").read_text(encoding="utf-8")).render(
        profile=profile,
        unit=unit,
        style=Markup(style),  # noqa: S704  our own files, not input
        digest=digest,
        facts=facts(profile, unit),
        bar=bar(profile),
        tables=[parts_table(profile), layers_table(profile), operators_table(profile)],
        step=milliseconds(profile.mean_step_s),
        rate=format_number(round(profile.items_per_s)),
        slowest=milliseconds(max(profile.step_s)),
        fastest=milliseconds(min(profile.step_s)),
        environment=flatten(machine),
    )


def facts(profile: StepProfile, unit: str) -> dict[str, str]:
    """Small figures below the large ones."""
    tensors = profile.peak_tensor_bytes
    return {
        "device": profile.device,
        f"{unit} a step": f"{profile.items_per_step:,}",
        "parameters": f"{profile.parameters:,}",
        "FLOPs a step": format_count(profile.flops) if profile.flops else "not counted",
        "FLOP/s": format_count(profile.flops / profile.mean_step_s) if profile.flops else "not counted",
        "peak memory": format_bytes(profile.peak_bytes),
        "tensors of a step": "not recorded" if tensors is None else format_bytes(tensors),
        "under the profiler": f"{profile.traced_s / profile.mean_step_s:.2f} times as long",
    }


def bar(profile: StepProfile) -> list[dict[str, Any]]:
    """The parts side by side: where each begins and how wide it is, of 1,000."""
    pieces, at = [], 0.0
    for number, name in enumerate(profile.parts_s):
        width = _BAR_WIDTH * profile.share(name)
        pieces.append({"name": name, "x": f"{at:.2f}", "width": f"{width:.2f}", "number": number})
        pieces[-1]["share"] = f"{profile.share(name):.1%}"
        at += width
    return pieces
