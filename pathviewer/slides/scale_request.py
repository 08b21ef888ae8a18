"""Parsing of requests in which a person enters the scale of a slide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pathviewer.slides import user_messages
from pathviewer.slides.library import LibraryEntry
from pathviewer.slides.outline import read_points
from pathviewer.slides.scale import (
    KnownLength,
    PixelSize,
    ScaleError,
    checked_size,
    size_by_length,
)
from storage.slides.scales import NewScale

FIELDS = frozenset({"mpp", "known_length"})
"""Request fields about the scale."""

_LARGEST = 1e12
"""Upper bound of numbers in a request, so that arithmetic cannot overflow."""


def new_scale(body: Mapping[str, Any], entry: LibraryEntry) -> NewScale:
    """Return the scale entered by a body with one of `FIELDS`. Raises ScaleError, RegionError."""
    if body.keys() >= FIELDS:
        raise ScaleError(user_messages.SCALE_ENTERED_TWICE)
    claim = entry.facts.claim
    if "known_length" in body:
        line = _line(body["known_length"], entry)
        size = size_by_length(line, entry.scale)
        line_json = {"from": list(line.start), "to": list(line.end), "um": line.um}
        return NewScale(size.x, size.y, claim.x, claim.y, line_json)
    typed = _typed(body["mpp"])
    if typed is None:
        return NewScale(None, None, claim.x, claim.y)
    return NewScale(typed.x, typed.y, claim.x, claim.y)


def audit_detail(new: NewScale) -> dict[str, Any]:
    """Return the audit log entry; a scale of None means that the entry was withdrawn."""
    entered_json = None if new.mpp_x is None else {"x": new.mpp_x, "y": new.mpp_y}
    detail = {"mpp": entered_json, "claimed": {"x": new.claimed_x, "y": new.claimed_y}}
    return detail if new.line is None else detail | {"known_length": dict(new.line)}


def _typed(value: object) -> PixelSize | None:
    """Return the typed size; None withdraws the entry."""
    if value is None:
        return None
    if isinstance(value, dict) and value.keys() == {"x", "y"}:
        return checked_size(_number(value["x"]), _number(value["y"]))
    mpp = _number(value)
    return checked_size(mpp, mpp)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LARGEST:
        raise ScaleError(user_messages.MPP_MALFORMED)
    return float(value)


def _line(value: object, entry: LibraryEntry) -> KnownLength:
    if not isinstance(value, dict) or value.keys() != {"from", "to", "um"}:
        raise ScaleError(user_messages.KNOWN_LENGTH_MALFORMED)
    um = value["um"]
    if isinstance(um, bool) or not isinstance(um, int | float) or not 0 < um < _LARGEST:
        raise ScaleError(user_messages.LENGTH_NOT_POSITIVE)
    start, end = read_points([value["from"], value["to"]])
    if not all(0 <= x <= entry.width and 0 <= y <= entry.height for x, y in (start, end)):
        raise ScaleError(user_messages.line_leaves_slide(entry.width, entry.height))
    return KnownLength(start, end, float(um))
