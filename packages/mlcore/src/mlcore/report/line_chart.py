"""Line charts as inline SVG: no script needed, colours from the style sheet, a text for screen readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from mlcore.report.scales import Scale, data_range
from mlcore.report.series import Series, bulk

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 36
_LABEL_HEIGHT = 15


def _two_decimals(value: float) -> str:
    return f"{value:.2f}"


@dataclass(frozen=True)
class Chart:
    """What to draw. `references` are horizontal lines (name, value), `marks` steps with a red tick.

    The names of the references stand over their lines, or under them where the curves run over them.
    """

    key: str
    title: str
    description: str
    series: tuple[Series, ...]
    format_value: Callable[[float], str]
    references: tuple[tuple[str, float], ...] = ()
    marks: tuple[float, ...] = ()
    from_zero: bool = False
    format_reference: Callable[[float], str] = _two_decimals
    names_below: bool = False


def draw(chart: Chart, *, width: int, height: int, log: bool = False) -> Markup:
    """The chart as an <svg> element of `width` x `height` user units."""
    x_scale = _x_scale(chart, width)
    y_scale = _y_scale(chart, height, log)
    ident = f"{chart.key}-{width}-{'log' if log else 'linear'}"
    plot = {
        "x": [x_scale.low, x_scale.high, x_scale.start, x_scale.end],
        "y": [y_scale.low, y_scale.high, y_scale.start, y_scale.end],
        "log": log,
    }
    parts = [
        Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-t {}-d" '
            'data-chart="{}" data-plot="{}">'
        ).format(width, height, ident, ident, chart.key, json.dumps(plot)),
        Markup('<title id="{}-t">{}</title><desc id="{}-d">{}</desc>').format(
            ident, chart.title, ident, chart.description
        ),
        Markup('<clipPath id="{}-c"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath>').format(
            ident, _LEFT, _TOP - 4, width - _LEFT - _RIGHT, height - _TOP - _BOTTOM + 4
        ),
        _axes(chart, x_scale, y_scale, width, height),
        Markup('<g clip-path="url(#{}-c)">').format(ident),
        *(_line(series, x_scale, y_scale) for series in chart.series),
        Markup("</g>"),
        _references(chart, y_scale, width),
        _marks(chart.marks, x_scale, height),
        Markup('<g class="cursor"></g></svg>'),
    ]
    return Markup("").join(parts)


def _x_scale(chart: Chart, width: int) -> Scale:
    xs = [x for series in chart.series for x, _ in series.points]
    low, high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    if high <= low:
        low, high = low - 1, high + 1
    # A curve from step 1 on starts at the axis's zero.
    low = 0.0 if 0 < low <= 0.05 * high else low
    return Scale(low, high, _LEFT, width - _RIGHT)


def _y_scale(chart: Chart, height: int, log: bool) -> Scale:
    values = [value for series in chart.series for value in bulk(series.points)]
    if values:
        top = max(values)
        values += [value for _, value in chart.references if value <= top * 1.15]
    low, high = data_range(values, log=log, from_zero=chart.from_zero)
    return Scale(low, high, height - _BOTTOM, _TOP, log)


def _axes(chart: Chart, x_scale: Scale, y_scale: Scale, width: int, height: int) -> Markup:
    parts = []
    for value in y_scale.ticks(5):
        y = _px(y_scale(value))
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, width - _RIGHT, y, y)
        )
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="end" dy="4">{}</text>').format(
                _LEFT - 10, y, chart.format_value(value)
            )
        )
    bottom = height - _BOTTOM
    ticks = x_scale.ticks(max(2, width // 150))
    for value in ticks:
        x = x_scale(value)
        anchor = "end" if x > width - _RIGHT - 18 else "middle"
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
                _px(x), bottom + 21, anchor, f"{value:,.10g}"
            )
        )
    parts.append(
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            _LEFT, width - _RIGHT, bottom, bottom
        )
    )
    return Markup("").join(parts)


def _line(series: Series, x_scale: Scale, y_scale: Scale) -> Markup:
    pixels = [(_px(x_scale(x)), _px(y_scale(y))) for x, y in series.points]
    if not pixels:
        return Markup("")
    path = "M" + "L".join(f"{x} {y}" for x, y in pixels)
    drawn = Markup('<path class="line {}" d="{}"/>').format(series.style, path)
    if series.dots or len(pixels) == 1:
        dots = [
            Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"/>').format(series.style, x, y)
            for x, y in pixels
        ]
        drawn += Markup("").join(dots)
    return drawn


def _references(chart: Chart, y_scale: Scale, width: int) -> Markup:
    """Dashed lines with their names at the right; a name that would stand on another goes under its line."""
    parts = []
    taken: list[float] = []
    for name, value in sorted(chart.references, key=lambda reference: -reference[1]):
        y = y_scale(value)
        if not y_scale.end <= y <= y_scale.start:
            continue
        parts.append(
            Markup('<line class="reference" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                _LEFT, width - _RIGHT, _px(y), _px(y)
            )
        )
        label_y = y + _LABEL_HEIGHT if chart.names_below else y - 6
        if any(abs(label_y - other) < _LABEL_HEIGHT for other in taken):
            label_y = y + _LABEL_HEIGHT
        taken.append(label_y)
        parts.append(
            Markup('<text class="reference-name" x="{}" y="{}" text-anchor="end">{} {}</text>').format(
                width - _RIGHT - 4, _px(label_y), name, chart.format_reference(value)
            )
        )
    return Markup("").join(parts)


def _marks(marks: Sequence[float], x_scale: Scale, height: int) -> Markup:
    bottom = height - _BOTTOM
    return Markup("").join(
        Markup('<line class="mark" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            _px(x_scale(x)), _px(x_scale(x)), bottom - 9, bottom
        )
        for x in marks
    )


def hover_data(charts: Sequence[Chart]) -> Markup:
    """The points for the read-out under the pointer, as JSON that is safe inside a <script> element."""
    data = {
        chart.key: [
            {"name": series.name, "style": series.style, "points": [list(point) for point in series.points]}
            for series in chart.series
            if series.in_legend
        ]
        for chart in charts
    }
    text = json.dumps(data, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe)  # noqa: S704 (no character is left that could end the element)


def _px(value: float) -> str:
    return str(escape(f"{value:.1f}".removesuffix(".0")))
