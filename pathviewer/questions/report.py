"""Printable report of one question, with all pictures embedded.

The report identifies no patient, unless a clinician typed an identifier: it shows the slide's
alias, never its file name, and no rater names.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from PIL import Image

from models.errors import ModelError
from models.reasoning.trace import parse
from models.reward import EVENTS
from models.scoring import letter, option_index, without_letters
from pathviewer.attention.map_json import CompletionAttention, list_passage_maps
from pathviewer.attention.overlay import DrawableMap, draw_overlay, drawable_attention
from pathviewer.evidence.drawable_maps import list_evidence_maps
from pathviewer.evidence.evidence_json import CompletionEvidence
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
T = TypeVar("T")


@dataclass(frozen=True)
class ReportMap:
    """A passage's map in a report."""

    view: str
    """`evidence`, or `attention` if no evidence is stored."""
    drawable: DrawableMap
    """The map."""


MapsByIndex = Mapping[int, Mapping[str, ReportMap]]
"""Maps by completion index and passage; completions without maps are missing."""


@dataclass(frozen=True)
class ScaleBar:
    """Scale bar of a picture."""

    label: str
    """The length, such as `50 µm`."""
    percent: float
    """Length in percent of the picture's width."""


def collect_maps(
    snapshot: QuestionSnapshot,
    find_evidence: Callable[[int], CompletionEvidence | None],
    find_attention: Callable[[int], CompletionAttention],
) -> MapsByIndex:
    """Collect the maps of the completions that have some: of evidence if stored, else attention.

    The functions return what is stored of a completion index. If both raise QuestionNotFound or
    ModelError, the report shows that completion without maps.
    """
    maps = {}
    for index in (each.index for each in snapshot.completions):
        evidence = _unless_missing(find_evidence, index)
        attention = None if evidence else _unless_missing(find_attention, index)
        if evidence or attention:
            maps[index] = dict(_list_maps(evidence, attention))
    return maps


def _unless_missing(find: Callable[[int], T | None], index: int) -> T | None:
    try:
        return find(index)
    except (QuestionNotFound, ModelError):
        return None


def _list_maps(
    evidence: CompletionEvidence | None, attention: CompletionAttention | None
) -> Iterator[tuple[str, ReportMap]]:
    if evidence:
        for name, drawable in list_evidence_maps(evidence):
            yield name, ReportMap("evidence", drawable)
    elif attention:
        for name, attention_map in list_passage_maps(attention):
            yield name, ReportMap("attention", drawable_attention(attention_map))


def report_facts(
    snapshot: QuestionSnapshot,
    slide: str,
    picture: bytes,
    maps: MapsByIndex,
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
            _completion_facts(each, record.options, pixels, maps.get(each.index, {}), feedback)
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
    maps: Mapping[str, ReportMap],
    feedback: Sequence[FeedbackRecord],
) -> dict[str, Any]:
    trace = parse(completion.text)
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
    pixels: Image.Image, passage_map: ReportMap | None
) -> dict[str, str | None] | None:
    """Return a small overlay (`uri`) of a passage's map, its view and caption; None without a map.

    `uri` is None for a map without a place: colours would suggest one.
    """
    if passage_map is None:
        return None
    view, drawable = passage_map.view, passage_map.drawable
    if view == "attention":
        sentence = f"Attention: {drawable.lines[0]}"
    else:
        sentence = " ".join(drawable.lines if drawable.shows_place else drawable.lines[:1])
    if not drawable.shows_place:
        return {"uri": None, "caption": sentence, "view": view}
    picture = draw_overlay(pixels, drawable)
    picture.thumbnail((MAP_SIDE, MAP_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return {"uri": _data_uri(out.getvalue(), "jpeg"), "caption": sentence, "view": view}


def provenance_rows(snapshot: QuestionSnapshot) -> list[tuple[str, str]]:
    """Return the provenance of a question as table rows (label, value)."""
    record = snapshot.record
    info, sampling = record.model_info or {}, record.sampling
    versions = ", ".join(f"{name} {version}" for name, version in info.get("versions", {}).items())
    mpp = "unknown" if record.mpp is None else f"{record.mpp:.4g}"
    rows = {
        "Question": record.id,
        "Slide at the time": identity_text(record.slide_identity, report=True),
        "Asked (UTC)": f"{record.created_at:%Y-%m-%d %H:%M:%S}",
        "Region, level-0 pixels": f"x {record.x}, y {record.y}, {record.width} x {record.height}",
        "Microns per pixel of the picture": mpp,
        "Scale of the slide": scale_text(record.scale),
        "Colours": colours_text(record.colours),
        "Pixels of the slide": (record.colours or {}).get("pixel_note"),
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
