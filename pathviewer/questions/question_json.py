"""A reading as the page is told of it, whether it is being written or was kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from models.deletion_check import geometric_mean
from models.messages import Finish, ImagePlacement
from pathviewer.questions.snapshot import WholeReading
from pathviewer.questions.trace_json import trace_json
from pathviewer.slides.slide_identity import identity_json
from storage.questions.records import CompletionRecord, DeletionCheckRecord, ReadingRecord

_AS_THEY_ARE = (
    "id points paint_outside question task outside_known_types prompt system model model_revision "
    "count blind quickhash prompt_tokens"
)
"""What is told as it is kept."""


def reading_json(
    whole: WholeReading, slide_name: str, account_id: str, *, shows_names: bool
) -> dict[str, Any]:
    """All of a reading; without completions while they are kept back.

    `shows_names` says whether the settings show names of files and cases.
    What was answered first is a judgment of the item, and so for whoever gave it alone.
    """
    one, withheld = whole.record, whole.withheld
    told = () if withheld else whole.completions
    places = [placement_json(whole.placement)] if whole.placement else []
    own = one.account_id == account_id
    return {name: getattr(one, name) for name in _AS_THEY_ARE.split()} | {
        "first_answer": one.first_answer if own else None,
        "first_confidence": one.first_confidence if own else None,
        "slide": {"id": one.slide_id, "name": slide_name},
        "slide_identity": identity_json(one.slide_identity, shows_names=shows_names),
        "box": box_json(one),
        "options": list(one.options),
        "context": dict(one.context),
        "sampling": dict(one.sampling),
        "budget": {"min_pixels": one.min_pixels, "max_pixels": one.max_pixels},
        "picture": {
            "width": one.pixel_width,
            "height": one.pixel_height,
            "mpp": one.mpp,
            "scale": dict(one.scale) if one.scale else None,
            "colours": dict(one.colours) if one.colours else None,
            "sha256": one.pixels_sha256,
        },
        "placements": places,
        "model_info": dict(one.model_info) if one.model_info else None,
        "created_at": one.created_at.isoformat(),
        "ended_at": one.ended_at.isoformat() if one.ended_at and not withheld else None,
        "state": "running" if withheld else one.state,
        "error": one.failure,
        "completions": [completion_json(each, whole.checks) for each in told],
        "agreement": None if withheld else whole.agreement,
    }


def row_json(whole: WholeReading) -> dict[str, Any]:
    """A reading in a line of the history."""
    one = whole.record
    told = () if whole.withheld else whole.completions
    return {
        "id": one.id,
        "slide": one.slide_id,
        "created_at": one.created_at.isoformat(),
        "state": "running" if whole.withheld else one.state,
        "question": one.question,
        "box": box_json(one),
        "model": one.model,
        "answers": [each.answer for each in told],
    }


def completion_json(
    one: CompletionRecord, checks: Sequence[DeletionCheckRecord] = ()
) -> dict[str, Any]:
    """An answer that has ended, with the checks of it."""
    finish = cast("Finish", one.finish)
    return {
        "id": one.id,
        "index": one.index,
        "text": one.text,
        "finish": finish,
        "trace": trace_json(one.text, finish),
        "tokens": len(one.token_ends),
        "seconds": one.seconds,
        "first_token_seconds": one.first_token_seconds,
        "deletion": [check_json(check) for check in checks if check.completion_id == one.id],
    }


def check_json(check: DeletionCheckRecord) -> dict[str, Any]:
    """What a deletion check found."""
    names = "id passage as_is blanked attended_masked verdict sentence"
    return {name: getattr(check, name) for name in names.split()} | {
        "random_masked": list(check.random_masked),
        "random_mean": geometric_mean(check.random_masked, check.as_is),
        "created_at": check.created_at.isoformat(),
    }


def placement_json(place: ImagePlacement) -> dict[str, Any]:
    """Where a picture's cells lie."""
    return vars(place) | {"box": vars(place.box)}


def box_json(one: ReadingRecord) -> dict[str, int]:
    """The region, level-0 pixels."""
    return {"x": one.x, "y": one.y, "width": one.width, "height": one.height}


def events_of(whole: WholeReading) -> Iterator[dict[str, Any]]:
    """The events of a reading that is not being written here, as its stream tells them."""
    one = whole.record
    if whole.placement:
        yield started_event(one, whole.placement)
    if one.blind:
        yield {"type": "first_answer_wanted"}
    if whole.withheld or one.state == "running":
        return
    for each in whole.completions:
        yield ended_event(each)
    for each in whole.completions:
        if each.attention_sha256:
            yield {"type": "maps", "index": each.index}
    if one.state == "failed":
        yield failed_event(one.failure or "The reading did not end.")
    else:
        yield {"type": "done"}


def started_event(one: ReadingRecord, place: ImagePlacement) -> dict[str, Any]:
    """The model has begun."""
    told = {"placements": [placement_json(place)], "prompt_tokens": one.prompt_tokens}
    return {"type": "started", "model": one.model, **told}


def ended_event(one: CompletionRecord) -> dict[str, Any]:
    """An answer has ended and is kept."""
    told = completion_json(one)
    del told["id"], told["deletion"]
    return {"type": "ended", "completion_id": one.id, **told}


def failed_event(message: str) -> dict[str, Any]:
    """Nothing follows, and this is why."""
    return {"type": "failed", "code": "model_failed", "message": message}
