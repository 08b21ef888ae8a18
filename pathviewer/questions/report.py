"""Printable report of one question, with all pictures embedded.

The report identifies no patient, unless a clinician typed an identifier: it shows the slide's
alias, never its file name, and no rater names.
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
from models.reasoning.trace import parse
from models.reward import EVENTS
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
"""Maximum width of the scale bar, as a share of the picture's width."""
LENGTHS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
MAP_SIDE = 420
"""Longer side of a step's map, pixels."""
AttentionByIndex = Mapping[int, CompletionAttention]
"""Attention by completion index; completions without maps are missing."""


@dataclass(frozen=True)
class ScaleBar:
    """Scale bar of a picture."""

    label: str
    """The length, such as `50 µm`."""
    percent: float
    """Length in percent of the picture's width."""


def collect_attention(
    snapshot: QuestionSnapshot, find: Callable[[int], CompletionAttention]
) -> AttentionByIndex:
    """Collect the attention of the completions that have some.

    `find` returns the attention of a completion index. If it raises QuestionNotFound or
    ModelError, the report shows that completion without maps.
    """
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
    """Return the template's values; `feedback` is the report reader's own feedback."""
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
    """Return the scale bar of a picture; None if its mpp is unknown or no length fits.

    `width` is in picture pixels, `mpp` in microns per picture pixel.
    """
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
    """Return the answer, with letter and text if it names an option."""
    place = option_index(answer, options)
    if place is None:
        return answer
    return f"{letter(place)}. {without_letters(options)[place]}"


def small_map_facts(
    pixels: Image.Image, passage_map: AttentionMap | None
) -> dict[str, str | None] | None:
    """Return a small overlay (`uri`) of a passage's map and its caption; None without a map.

    `uri` is None for a diffuse map: colours would suggest a location that the map does not have.
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
    """Return the provenance of a question as table rows (label, value)."""
    record = snapshot.record
    info, sampling = record.model_info or {}, record.sampling
    versions = ", ".join(f"{name} {version}" for name, version in info.get("versions", {}).items())
    rows = {
        "Question": record.id,
        "Slide at the time": identity_text(record.slide_identity, report=True),
        "Asked (UTC)": f"{record.created_at:%Y-%m-%d %H:%M:%S}",
        "Region, level-0 pixels": f"x {record.x}, y {record.y}, {record.width} x {record.height}",
        "Microns per pixel of the picture": "unknown"
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
