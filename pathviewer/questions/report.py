"""A reading as one page to print: what is told, with every picture in it.

Nothing on it names a patient unless a clinician typed it: the slide goes by its alias, never by its
file's name, and raters by no name.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from models.attention import AttentionMap
from models.errors import ModelError
from models.process_score import EVENTS
from models.reasoning.trace import parse
from models.scoring import letter, option_index, without_letters
from pathviewer.attention.map_json import SeenCompletion, shown_maps
from pathviewer.attention.overlay import caption, covered, peak_of
from pathviewer.questions.errors import ReadingNotFound
from pathviewer.questions.region_picture import colours_text
from pathviewer.questions.snapshot import WholeReading
from pathviewer.slides.scale import scale_text
from pathviewer.slides.slide_identity import identity_text
from storage.feedback.store import FeedbackRecord
from storage.questions.records import CompletionRecord

BAR_SHARE = 0.3
"""The scale bar takes at most so much of the picture's width."""
LENGTHS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
MAP_SIDE = 420
"""Longer side of a step's picture, pixels."""
Seen = Mapping[int, SeenCompletion]
"""Where answers looked, by their index; those without maps are not there."""


@dataclass(frozen=True)
class ScaleBar:
    """A length that is drawn on a picture."""

    label: str
    """Such as `50 µm`."""
    percent: float
    """Of the picture's width."""


def seen_of(whole: WholeReading, find: Callable[[int], SeenCompletion]) -> Seen:
    """Where the answers looked, of those whose attention is kept: without maps, a page is still a
    report. `find` raises ReadingNotFound or ModelError of the others."""
    found = {}
    for each in whole.completions:
        try:
            found[each.index] = find(each.index)
        except (ReadingNotFound, ModelError):
            continue
    return found


def report_facts(
    whole: WholeReading,
    slide: str,
    picture: bytes,
    seen: Seen,
    said: Sequence[FeedbackRecord],
) -> dict[str, Any]:
    """What the template shows; `said` is what the reader of the page said of the answers."""
    one = whole.record
    pixels = Image.open(io.BytesIO(picture)).convert("RGB")
    return {
        "reading": one,
        "slide": identity_text(one.slide_identity, report=True) or slide,
        "picture": _uri(picture, "png"),
        "bar": scale_bar(pixels.width, one.mpp),
        "answers": [
            _answer(each, one.options, pixels, seen.get(each.index), said)
            for each in whole.completions
        ],
        "checks": whole.checks,
        "provenance": provenance(whole),
    }


def scale_bar(width: int, mpp: float | None) -> ScaleBar | None:
    """For a picture of this width in pixels; None where its scale is not known."""
    if mpp is None:
        return None
    fits = [length for length in LENGTHS_UM if length <= BAR_SHARE * width * mpp]
    if not fits:
        return None
    length = fits[-1]
    label = f"{length} µm" if length < 1000 else f"{length // 1000} mm"
    return ScaleBar(label, 100 * length / (width * mpp))


def _answer(
    one: CompletionRecord,
    options: Sequence[str],
    pixels: Image.Image,
    seen: SeenCompletion | None,
    said: Sequence[FeedbackRecord],
) -> dict[str, Any]:
    trace = parse(one.text)
    maps = dict(shown_maps(seen)) if seen else {}
    own = {each.kind: each for each in said if each.completion_id == one.id}
    labels = own.get("labels")
    flagged = {each["step"]: each for each in (labels.steps or ())} if labels else {}
    edits = own["edited_trace"].edited_steps or () if "edited_trace" in own else ()
    edited = {each["step"]: each["text"] for each in edits}
    return {
        "number": one.index + 1,
        "answer": named(trace.answer, options),
        "steps": [
            {
                "text": one.text[step.start : step.stop],
                "events": [EVENTS[event] for event in flagged.get(place, {}).get("events", ())],
                "quote": flagged.get(place, {}).get("quote"),
                "struck": place in edited and edited[place] is None,
                "rewritten": edited.get(place),
                "map": small_map(pixels, maps.get(f"step {place + 1}")),
            }
            for place, step in enumerate(trace.steps)
        ],
        "map": small_map(pixels, maps.get("answer")),
        "absences": [EVENTS[event] for event in (labels.absences or ())] if labels else [],
        "verdict": own.get("verdict"),
        "evidence": own.get("evidence"),
        "id": one.id,
    }


def named(answer: str | None, options: Sequence[str]) -> str | None:
    """The answer with the text of the option that it names."""
    place = option_index(answer, options)
    if place is None:
        return answer
    return f"{letter(place)}. {without_letters(options)[place]}"


def small_map(pixels: Image.Image, found: AttentionMap | None) -> dict[str, str | None] | None:
    """A small picture of where a passage looked, with what a reader must know.

    Without the picture where the map is diffuse: colours would point where nothing does.
    """
    if found is None:
        return None
    words = caption(found)[0]
    if not found.localised:
        return {"uri": None, "caption": words}
    made = covered(pixels, found, peak_of(found))
    made.thumbnail((MAP_SIDE, MAP_SIDE))
    out = io.BytesIO()
    made.save(out, "JPEG", quality=85)
    return {"uri": _uri(out.getvalue(), "jpeg"), "caption": words}


def provenance(whole: WholeReading) -> list[tuple[str, str]]:
    """Where a reading comes from, as rows of a table."""
    one = whole.record
    info, sampling = one.model_info or {}, one.sampling
    versions = ", ".join(f"{name} {version}" for name, version in info.get("versions", {}).items())
    rows = {
        "Reading": one.id,
        "Slide when asked": identity_text(one.slide_identity, report=True),
        "Asked (UTC)": f"{one.created_at:%Y-%m-%d %H:%M:%S}",
        "Region, level-0 pixels": f"x {one.x}, y {one.y}, {one.width} x {one.height}",
        "Microns per pixel of the picture": "not known" if one.mpp is None else f"{one.mpp:.4g}",
        "Scale of the slide": scale_text(one.scale),
        "Colours": colours_text(one.colours),
        "Slide's fingerprint": one.quickhash or "none",
        "Picture, SHA-256": one.pixels_sha256,
        "Seen as": f"{one.pixel_width} x {one.pixel_height} px, {one.columns} x {one.rows} cells",
        "Model": f"{one.model} {one.model_revision or ''}".strip(),
        "Run on": " ".join(
            str(info[key]) for key in ("device", "dtype", "attention") if key in info
        ),
        "Sampling": ", ".join(f"{name} {value}" for name, value in sampling.items()),
        "Versions": versions,
        "Prompt": one.prompt,
    }
    return [(name, value) for name, value in rows.items() if value]


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
