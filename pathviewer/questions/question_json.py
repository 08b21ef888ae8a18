"""Questions as JSON and as events, running or stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from models.deletion_check import geometric_mean
from models.messages import Finish, ImagePlacement
from pathviewer.evidence.check_method import check_method_json
from pathviewer.questions import user_messages
from pathviewer.questions.region_picture import colours_json
from pathviewer.questions.snapshot import QuestionSnapshot
from pathviewer.questions.trace_json import trace_json
from pathviewer.slides.slide_identity import identity_json
from storage.questions.records import CompletionRecord, DeletionCheckRecord, QuestionRecord

_COPIED_FIELDS = (
    "id points paint_outside question task outside_known_types prompt system model model_revision "
    "count blind quickhash prompt_tokens"
)
"""Record fields that are copied unchanged."""


def question_json(
    snapshot: QuestionSnapshot, slide_name: str, account_id: str, *, shows_names: bool
) -> dict[str, Any]:
    """Return a question as JSON, without completions while it is blinded.

    `shows_names` says whether the settings show names of files and cases. Only the account that
    asked sees its first answer.
    """
    record, blinded = snapshot.record, snapshot.is_blinded
    completions = () if blinded else snapshot.completions
    places = [placement_json(snapshot.placement)] if snapshot.placement else []
    is_own = record.account_id == account_id
    return {name: getattr(record, name) for name in _COPIED_FIELDS.split()} | {
        "first_answer": record.first_answer if is_own else None,
        "first_confidence": record.first_confidence if is_own else None,
        "slide": {"id": record.slide_id, "name": slide_name},
        "slide_identity": identity_json(record.slide_identity, shows_names=shows_names),
        "box": box_json(record),
        "options": list(record.options),
        "context": dict(record.context),
        "sampling": dict(record.sampling),
        "budget": {"min_pixels": record.min_pixels, "max_pixels": record.max_pixels},
        "picture": {
            "width": record.pixel_width,
            "height": record.pixel_height,
            "mpp": record.mpp,
            "scale": dict(record.scale) if record.scale else None,
            "sha256": record.pixels_sha256,
            **colours_json(record.colours),
        },
        "placements": places,
        "model_info": dict(record.model_info) if record.model_info else None,
        "created_at": record.created_at.isoformat(),
        "ended_at": record.ended_at.isoformat() if record.ended_at and not blinded else None,
        "state": "running" if blinded else record.state,
        "error": record.failure,
        "completions": [completion_json(each, snapshot.checks) for each in completions],
        "agreement": None if blinded else snapshot.agreement,
    }


def question_row_json(snapshot: QuestionSnapshot) -> dict[str, Any]:
    """Return a question as a row of the history."""
    record = snapshot.record
    completions = () if snapshot.is_blinded else snapshot.completions
    return {
        "id": record.id,
        "slide": record.slide_id,
        "created_at": record.created_at.isoformat(),
        "state": "running" if snapshot.is_blinded else record.state,
        "question": record.question,
        "box": box_json(record),
        "model": record.model,
        "answers": [each.answer for each in completions],
    }


def completion_json(
    completion: CompletionRecord, checks: Sequence[DeletionCheckRecord] = ()
) -> dict[str, Any]:
    """Return an ended completion with its deletion checks."""
    finish = cast("Finish", completion.finish)
    return {
        "id": completion.id,
        "index": completion.index,
        "text": completion.text,
        "finish": finish,
        "trace": trace_json(completion.text, finish),
        "tokens": len(completion.token_ends),
        "seconds": completion.seconds,
        "first_token_seconds": completion.first_token_seconds,
        "deletion": [
            deletion_check_json(check) for check in checks if check.completion_id == completion.id
        ],
    }


def deletion_check_json(check: DeletionCheckRecord) -> dict[str, Any]:
    """Return a deletion check as JSON, with how it masked."""
    names = "id passage as_is blanked attended_masked verdict sentence"
    return {name: getattr(check, name) for name in names.split()} | {
        "random_masked": list(check.random_masked),
        "random_mean": geometric_mean(check.random_masked, check.as_is),
        "created_at": check.created_at.isoformat(),
        "method": check_method_json(check.fill, check.version, check.controls),
    }


def placement_json(placement: ImagePlacement) -> dict[str, Any]:
    """Return the placement of a picture's cells as JSON."""
    return vars(placement) | {"box": vars(placement.box)}


def box_json(record: QuestionRecord) -> dict[str, int]:
    """Return the region's box, level-0 pixels."""
    return {"x": record.x, "y": record.y, "width": record.width, "height": record.height}


def replay_events(snapshot: QuestionSnapshot) -> Iterator[dict[str, Any]]:
    """Replay the events of a question that no run of this process holds."""
    record = snapshot.record
    if snapshot.placement:
        yield started_event(record, snapshot.placement)
    if record.blind:
        yield {"type": "first_answer_wanted"}
    if snapshot.is_blinded or record.state == "running":
        return
    for each in snapshot.completions:
        yield ended_event(each)
    for each in snapshot.completions:
        if each.attention_sha256:
            yield {"type": "maps", "index": each.index}
    if record.state == "failed":
        yield failed_event(record.failure or user_messages.ANSWER_NOT_COMPLETED)
    else:
        yield {"type": "done"}


def started_event(record: QuestionRecord, placement: ImagePlacement) -> dict[str, Any]:
    """Return the event of the generation's start."""
    facts = {"placements": [placement_json(placement)], "prompt_tokens": record.prompt_tokens}
    return {"type": "started", "model": record.model, **facts}


def ended_event(completion: CompletionRecord) -> dict[str, Any]:
    """Return the event of a completion that has ended and is stored."""
    facts = completion_json(completion)
    del facts["id"], facts["deletion"]
    return {"type": "ended", "completion_id": completion.id, **facts}


def failed_event(message: str) -> dict[str, Any]:
    """Return the final event of a failed question."""
    return {"type": "failed", "code": "model_failed", "message": message}
