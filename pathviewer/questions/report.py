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
from pathviewer.attention.map_json import CompletionAttention, list_passage_maps
from pathviewer.attention.overlay import caption, draw_overlay, scale_peak
from pathviewer.questions.errors import QuestionNotFound
from pathviewer.questions.region_picture import colours_text
from pathviewer.questions.snapshot import QuestionSnapshot
from pathviewer.slides.scale import scale_text
from pathviewer.slides.slide_identity import identity_text
from storage.feedback.store import FeedbackRecord
from storage.questions.records import CompletionRecord

BAR_SHARE = 0.3
"""The scale bar takes at most so much of the picture's width."""
LENGTHS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
MAP_SIDE = 420
"""Longer side of a step's picture, pixels."""
AttentionByIndex = Mapping[int, CompletionAttention]
"""Where answers looked, by their index; those without maps are not there."""


@dataclass(frozen=True)
class ScaleBar:
    """A length that is drawn on a picture."""

    label: str
    """Such as `50 µm`."""
    percent: float
    """Of the picture's width."""


def collect_attention(
    snapshot: QuestionSnapshot, find: Callable[[int], CompletionAttention]
) -> AttentionByIndex:
    """Where the answers looked, of those whose attention is kept: without maps, a page is still a
    report. `find` raises ReadingNotFound or ModelError of the others."""
    attention = {}
    for each in snapshot.completions:
        try:
            attention[each.index] = find(each.index)
        except (QuestionNotFound, ModelError):
            continue
    return attention


def report_facts(
    snapshot: QuestionSnapshot,
    slide: str,
    picture: bytes,
    attention: AttentionByIndex,
    feedback: Sequence[FeedbackRecord],
) -> dict[str, Any]:
    """What the template shows; `said` is what the reader of the page said of the answers."""
    record = snapshot.record
    pixels = Image.open(io.BytesIO(picture)).convert("RGB")
    return {
        "reading": record,
        "slide": identity_text(record.slide_identity, report=True) or slide,
        "picture": _data_uri(picture, "png"),
        "bar": scale_bar(pixels.width, record.mpp),
        "answers": [
            _completion_facts(each, record.options, pixels, attention.get(each.index), feedback)
            for each in snapshot.completions
        ],
        "checks": snapshot.checks,
        "provenance": provenance_rows(snapshot),
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


def _completion_facts(
    completion: CompletionRecord,
    options: Sequence[str],
    pixels: Image.Image,
    attention: CompletionAttention | None,
    feedback: Sequence[FeedbackRecord],
) -> dict[str, Any]:
    trace = parse(completion.text)
    maps = dict(list_passage_maps(attention)) if attention else {}
    by_kind = {each.kind: each for each in feedback if each.completion_id == completion.id}
    labels = by_kind.get("labels")
    flagged = {each["step"]: each for each in (labels.steps or ())} if labels else {}
    edits = by_kind["edited_trace"].edited_steps or () if "edited_trace" in by_kind else ()
    edited = {each["step"]: each["text"] for each in edits}
    return {
        "number": completion.index + 1,
        "answer": describe_answer(trace.answer, options),
        "steps": [
            {
                "text": completion.text[step.start : step.stop],
                "events": [EVENTS[event] for event in flagged.get(place, {}).get("events", ())],
                "quote": flagged.get(place, {}).get("quote"),
                "struck": place in edited and edited[place] is None,
                "rewritten": edited.get(place),
                "map": small_map_facts(pixels, maps.get(f"step {place + 1}")),
            }
            for place, step in enumerate(trace.steps)
        ],
        "map": small_map_facts(pixels, maps.get("answer")),
        "absences": [EVENTS[event] for event in (labels.absences or ())] if labels else [],
        "verdict": by_kind.get("verdict"),
        "evidence": by_kind.get("evidence"),
        "id": completion.id,
    }


def describe_answer(answer: str | None, options: Sequence[str]) -> str | None:
    """The answer with the text of the option that it names."""
    place = option_index(answer, options)
    if place is None:
        return answer
    return f"{letter(place)}. {without_letters(options)[place]}"


def small_map_facts(
    pixels: Image.Image, passage_map: AttentionMap | None
) -> dict[str, str | None] | None:
    """A small picture of where a passage looked, with what a reader must know.

    Without the picture where the map is diffuse: colours would point where nothing does.
    """
    if passage_map is None:
        return None
    sentence = caption(passage_map)[0]
    if not passage_map.is_localised:
        return {"uri": None, "caption": sentence}
    picture = draw_overlay(pixels, passage_map, scale_peak(passage_map))
    picture.thumbnail((MAP_SIDE, MAP_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return {"uri": _data_uri(out.getvalue(), "jpeg"), "caption": sentence}


def provenance_rows(snapshot: QuestionSnapshot) -> list[tuple[str, str]]:
    """Where a reading comes from, as rows of a table."""
    record = snapshot.record
    info, sampling = record.model_info or {}, record.sampling
    versions = ", ".join(f"{name} {version}" for name, version in info.get("versions", {}).items())
    rows = {
        "Reading": record.id,
        "Slide when asked": identity_text(record.slide_identity, report=True),
        "Asked (UTC)": f"{record.created_at:%Y-%m-%d %H:%M:%S}",
        "Region, level-0 pixels": f"x {record.x}, y {record.y}, {record.width} x {record.height}",
        "Microns per pixel of the picture": "not known"
        if record.mpp is None
        else f"{record.mpp:.4g}",
        "Scale of the slide": scale_text(record.scale),
        "Colours": colours_text(record.colours),
        "Slide's fingerprint": record.quickhash or "none",
        "Picture, SHA-256": record.pixels_sha256,
        "Seen as": (
            f"{record.pixel_width} x {record.pixel_height} px, "
            f"{record.columns} x {record.rows} cells"
        ),
        "Model": f"{record.model} {record.model_revision or ''}".strip(),
        "Run on": " ".join(
            str(info[key]) for key in ("device", "dtype", "attention") if key in info
        ),
        "Sampling": ", ".join(f"{name} {value}" for name, value in sampling.items()),
        "Versions": versions,
        "Prompt": record.prompt,
    }
    return [(name, value) for name, value in rows.items() if value]


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
