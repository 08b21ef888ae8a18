"""A completion as the page shows it: steps and answer with their states.

Spans are in UTF-16 code units, as JavaScript counts the characters of a string.
"""

from __future__ import annotations

from typing import Any

from models.messages import Finish
from models.reasoning.trace import parse


def trace_json(text: str, finish: Finish | None) -> dict[str, Any]:
    """The trace of a completion; `finish` is None while it is written."""
    trace = parse(text, ended=finish is not None)
    steps = [
        _span(text, step.start, step.stop) | {"state": "done" if step.final else "streaming"}
        for step in trace.steps
    ]
    if steps and finish is not None:
        whole = finish == "stop" or trace.answer_span
        steps = [step | {"state": "done"} for step in steps]
        steps[-1]["state"] = "done" if whole else "cut off"
    return {
        "steps": steps,
        "answer": _span(text, *trace.answer_span) if trace.answer_span else None,
        "well_formed": trace.well_formed,
        "problems": list(trace.problems),
    }


def _span(text: str, start: int, stop: int) -> dict[str, Any]:
    return {"start": _units(text[:start]), "stop": _units(text[:stop]), "text": text[start:stop]}


def _units(text: str) -> int:
    """UTF-16 code units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
