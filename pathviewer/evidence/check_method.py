"""How a deletion check masked, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.control_figures import ControlFigures
from models.deletion_check import VERSION


def check_method_json(fill: str, version: int, figures: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how a deletion check masked, with the fields of ControlFigures, as JSON."""
    controls = dict(figures, passed=ControlFigures(**figures).has_passed) if figures else None
    current = version == VERSION
    return {"fill": fill, "version": version, "controls": controls, "current": current}
