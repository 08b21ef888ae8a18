"""Plotly charts as plain data, since Plotly's Python library takes a second to import.

The page sets its own colours, fonts and margins (`static/insights_plots.js`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pathviewer.insights.values import Estimate

Figure = dict[str, Any]
_DAYS = {"type": "date", "tickformat": "%-d %b\n%Y", "nticks": 12}

COLOURS = ("#6cb8f5", "#ffc861", "#6fc3a1", "#c9a0f0", "#ff9c8f", "#b4bec7")
"""Colours in order of use, distinguishable with colour blindness."""


FEW = 10
"""Up to this count, Plotly would place ticks at fractions of one."""


def stacked_bars(
    places: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    *,
    lying: bool = False,
    unit: str = "",
) -> Figure:
    """Return stacked bars of counts: vertical for days or months, otherwise horizontal."""
    along, across = ("y", "x") if lying else ("x", "y")
    data = [
        {
            "type": "bar",
            "name": name,
            along: list(places),
            across: list(values),
            "orientation": "h" if lying else "v",
            "marker": {"color": colours[name]},
        }
        for name, values in parts.items()
    ]
    highest = max(map(sum, zip(*parts.values(), strict=True)), default=0)
    count_axis = {"title": {"text": unit}} | ({"dtick": 1} if highest <= FEW else {})
    layout: Figure = {"barmode": "stack", f"{across}axis": count_axis}
    layout[f"{along}axis"] = {"type": "category", "autorange": "reversed"} if lying else _DAYS
    return {"data": data, "layout": layout}


def dots(
    places: Sequence[str],
    parts: Mapping[str, Sequence[Estimate]],
    unit: str,
    *,
    line: float | None = None,
) -> Figure:
    """Return horizontal estimates with intervals, one row per part; `line` marks the null value."""
    data = []
    spread = 0.5 / max(len(parts), 1)
    middle = (len(parts) - 1) / 2
    for number, (name, estimates) in enumerate(parts.items()):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [each.value for each in estimates],
                "y": [place + (number - middle) * spread for place in range(len(places))],
                "customdata": list(places),
                "hovertemplate": "%{customdata}: %{x:.3f}<extra>%{fullData.name}</extra>",
                "error_x": _errors(estimates),
                "marker": {"color": COLOURS[number % len(COLOURS)], "size": 8},
            }
        )
    layout = _lying(unit)
    layout["yaxis"] |= {
        "tickvals": list(range(len(places))),
        "ticktext": list(places),
        "range": [len(places) - 0.4, -0.6],
    }
    return {"data": data, "layout": layout | _line(line, "x")}


def curve(
    places: Sequence[int],
    parts: Mapping[str, Mapping[int, Estimate]],
    across: str,
    unit: str,
) -> Figure:
    """Return estimates with intervals over numbers, one joined line per part."""
    data = []
    for number, (name, points) in enumerate(parts.items()):
        estimates = [points[place] for place in places if place in points]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": [place for place in places if place in points],
                "y": [each.value for each in estimates],
                "error_y": _errors(estimates),
                "line": {"color": COLOURS[number % len(COLOURS)], "width": 1.5},
                "marker": {"size": 8},
            }
        )
    layout = {
        "xaxis": {"title": {"text": across}, "dtick": 1},
        "yaxis": {"title": {"text": unit}, "range": [0, 1.02]},
    }
    return {"data": data, "layout": layout}


def boxes(parts: Mapping[str, Sequence[float]], unit: str) -> Figure:
    """Return horizontal box plots: quartiles, with whiskers within 1.5 interquartile ranges."""
    data = [
        {
            "type": "box",
            "name": name,
            "x": list(values),
            "orientation": "h",
            "boxpoints": "outliers",
            "marker": {"color": COLOURS[0], "size": 4},
            "line": {"width": 1.5},
            "fillcolor": "rgba(108, 184, 245, 0.25)",
            "showlegend": False,
        }
        for name, values in parts.items()
    ]
    return {"data": data, "layout": _lying(unit)}


def _errors(estimates: Sequence[Estimate]) -> Figure:
    """Return the distances from the values to their interval ends."""
    up = [_distance(each.high, each.value) for each in estimates]
    down = [_distance(each.value, each.low) for each in estimates]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.5}


def _distance(upper: float | None, lower: float | None) -> float:
    return 0.0 if upper is None or lower is None else max(0.0, upper - lower)


def _lying(unit: str) -> Figure:
    return {
        "xaxis": {"title": {"text": unit}},
        "yaxis": {"autorange": "reversed"},
    }


def _line(at: float | None, axis: str) -> Figure:
    """Return a dotted line across the plot."""
    if at is None:
        return {}
    other = "y" if axis == "x" else "x"
    shape = {"type": "line", f"{axis}0": at, f"{axis}1": at, f"{other}0": 0, f"{other}1": 1}
    dotted = {f"{other}ref": "paper", "line": {"dash": "dot", "width": 1, "color": "#87919a"}}
    return {"shapes": [shape | dotted]}
