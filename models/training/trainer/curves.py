"""Training curves of one or several runs as a self-contained page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from models.training.data.tiles import DataError
from models.training.trainer.run_folder import METRICS

COLUMNS = 3
ROW_PX = 260
"""Height of a row of charts."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours for colour-blind readers (Okabe and Ito)."""
Curves = Mapping[str, Mapping[int, float]]
"""Values by figure and step."""


def read_curves(run: Path) -> Curves:
    """Figures of a run's folder or `metrics.jsonl`; the last value of a step counts.

    Raises DataError if there are none. Ignores a truncated last line.
    """
    path = run / METRICS if run.is_dir() else run
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise DataError(message) from error
    curves: dict[str, dict[int, float]] = {}
    for number, line in enumerate(lines, 1):
        try:
            figures = json.loads(line)
            step = int(figures.pop("step"))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            if number == len(lines):
                break
            message = f"{path}, line {number}: no figures of a step."
            raise DataError(message) from error
        for name, value in figures.items():
            curves.setdefault(name, {})[step] = float(value)
    if not curves:
        message = f"{path} holds no figures yet."
        raise DataError(message)
    return curves


def draw_curves(runs: Mapping[str, Curves]) -> go.Figure:
    """A chart per figure, with a line per run."""
    names = sorted({name for curves in runs.values() for name in curves}, key=_place)
    rows = -(-len(names) // COLUMNS)
    figure = make_subplots(rows, COLUMNS, subplot_titles=[name.replace("_", " ") for name in names])
    for index, name in enumerate(names):
        for number, (run, curves) in enumerate(runs.items()):
            steps = sorted(curves.get(name, {}))
            if steps:
                line = go.Scatter(
                    x=steps,
                    y=[curves[name][step] for step in steps],
                    name=run,
                    legendgroup=run,
                    showlegend=name
                    == next(candidate for candidate in names if candidate in curves),
                    mode="lines+markers" if len(steps) < 60 else "lines",
                    line={"color": COLOURS[number % len(COLOURS)]},
                )
                figure.add_trace(line, row=index // COLUMNS + 1, col=index % COLUMNS + 1)
    figure.update_xaxes(title_text="step")
    figure.update_layout(height=ROW_PX * rows + 80, template="plotly_white", title="Training")
    return figure


def write_curves(runs: Sequence[Path], out: Path) -> None:
    """Write the page, including plotly's script, so that it opens without a network."""
    curves = {name: read_curves(run) for name, run in zip(run_names(runs), runs, strict=True)}
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_curves(curves).write_html(out, include_plotlyjs=True, full_html=True)


def run_names(runs: Sequence[Path]) -> list[str]:
    """Names of the runs: as few trailing path parts as distinguish their folders."""
    folders = [run if run.is_dir() else run.parent for run in map(Path.resolve, runs)]
    for parts in range(1, max(len(folder.parts) for folder in folders) + 1):
        names = ["/".join(folder.parts[-parts:]) for folder in folders]
        if len(set(names)) == len(names):
            return names
    message = "A run is named twice."
    raise DataError(message)


def _place(name: str) -> tuple[int, str]:
    """Sort key: loss, then rewards, then validation figures, then the rest."""
    kinds = ("loss", "reward", "right", "validation")
    return next((i for i, kind in enumerate(kinds) if name.startswith(kind)), len(kinds)), name
