"""Traces as JSON: steps and answer with their states.

Spans are in UTF-16 code units, as in JavaScript strings.
"""

from __future__ import annotations

from typing import Any

from models.messages import Finish
from models.reasoning.trace import parse


def trace_json(text: str, finish: Finish | None) -> dict[str, Any]:
    """Return the trace of a completion; `finish` is None while it is being written."""
    trace = parse(text, ended=finish is not None)
    steps = [
        _span_json(text, step.start, step.stop) | {"state": "done" if step.final else "streaming"}
        for step in trace.steps
    ]
    if steps and finish is not None:
        complete = finish == "stop" or trace.answer_span
        steps = [step | {"state": "done"} for step in steps]
        steps[-1]["state"] = "done" if complete else "cut off"
    return {
        "steps": steps,
        "answer": _span_json(text, *trace.answer_span) if trace.answer_span else None,
        "well_formed": trace.well_formed,
        "problems": list(trace.problems),
    }


def _span_json(text: str, start: int, stop: int) -> dict[str, Any]:
    return {
        "start": _count_units(text[:start]),
        "stop": _count_units(text[:stop]),
        "text": text[start:stop],
    }


def _count_units(text: str) -> int:
    """Count the UTF-16 code units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
