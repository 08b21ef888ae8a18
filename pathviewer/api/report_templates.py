"""Templates of the printable reports."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from pathviewer.feedback.vocabulary import confidence_text, spoken

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "ui"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
_templates.filters |= {"spoken": spoken, "confidence": confidence_text}


def report_template(name: str) -> Template:
    """Return the template `report` or `worklist_report`."""
    return _templates.get_template(f"{name}.html")
