"""A comparison as its rater may see it: who wrote what, and what others chose, after his vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pathviewer.feedback.feedback_json import pseudonym
from pathviewer.questions.question_json import box_json
from pathviewer.questions.trace_json import trace_json
from pathviewer.slides.slide_identity import identity_json
from storage.comparisons.pair_assignment import sides, votes_of_others
from storage.comparisons.pairs import find_pair
from storage.feedback.store import feedback_of_id
from storage.questions.store import find_completion, find_reading
from storage.worklists.store import find_item, find_worklist

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from storage.comparisons.records import ComparisonRecord
    from storage.questions.records import CompletionRecord, ReadingRecord

SIDES = ("left", "right")


def comparison_json(
    session: Session, one: ComparisonRecord, *, shows_names: bool
) -> dict[str, Any]:
    """All of it that the rater may be told at this moment.

    `shows_names` says whether the settings show names of files and cases.
    """
    answers = side_answers(session, one)
    asked = answers["left"][1] if answers else find_reading(session, str(one.reading_id))
    own = one.pair_id is None
    return {
        "id": one.id,
        "worklist": _worklist(session, one),
        "round": one.round,
        "slide": {"id": asked.slide_id},
        "slide_identity": identity_json(asked.slide_identity, shows_names=shows_names),
        "box": box_json(asked),
        "points": asked.points,
        "question": asked.question,
        "options": list(asked.options),
        "state": _state(one, asked, bool(answers)),
        "error": asked.failure if own else None,
        "reading": one.reading_id,
        "flipped": one.flipped if own else None,
        "sides": {side: _text(completion) for side, (completion, _) in answers.items()} or None,
        **_told(session, one, answers),
    }


def side_answers(
    session: Session, one: ComparisonRecord
) -> dict[str, tuple[CompletionRecord, ReadingRecord]]:
    """What stands on each side, with the reading that it is of; empty while it is written."""
    both = sides(session, one)
    if both is None:
        return {}
    completions = [find_completion(session, each) for each in both]
    return {
        side: (completion, find_reading(session, completion.reading_id))
        for side, completion in zip(SIDES, completions, strict=True)
    }


def _told(
    session: Session,
    one: ComparisonRecord,
    answers: dict[str, tuple[CompletionRecord, ReadingRecord]],
) -> dict[str, Any]:
    """What is told after the vote alone."""
    if one.feedback_id is None:
        return {"vote": None, "names": None, "others": None, "drawn": None}
    said = feedback_of_id(session, one.feedback_id)
    vote = {
        "choice": said.choice,
        "reasons": list(said.reasons or ()),
        "comment": said.comment,
        "created_at": said.created_at.isoformat(),
    }
    names = {side: _name(*answer) for side, answer in answers.items()}
    others = [
        {"rater": pseudonym(number), "choice": _as_seen(choice, left, answers["left"][0].id)}
        for number, (_, choice, left) in enumerate(votes_of_others(session, one))
    ]
    return {"vote": vote, "names": names, "others": others, "drawn": _drawn(session, one)}


def _name(completion: CompletionRecord, reading: ReadingRecord) -> dict[str, Any]:
    return {
        "model": reading.model,
        "model_revision": reading.model_revision,
        "sampling": dict(reading.sampling),
        "reading": reading.id,
        "index": completion.index,
        "seconds": completion.seconds,
        "created_at": completion.created_at.isoformat(),
    }


def _as_seen(choice: str, their_left: str | None, my_left: str) -> str:
    """Another one's choice, in this rater's sides."""
    if choice not in SIDES or their_left == my_left:
        return choice
    return "right" if choice == "left" else "left"


def _text(completion: CompletionRecord) -> dict[str, Any]:
    return {
        "text": completion.text,
        "finish": completion.finish,
        "trace": trace_json(completion.text, completion.finish),  # type: ignore[arg-type]
    }


def _state(one: ComparisonRecord, asked: ReadingRecord, written: bool) -> str:
    if one.feedback_id is not None:
        return "voted"
    if one.skipped:
        return "skipped"
    if written:
        return "ready"
    return "streaming" if asked.state == "running" else "failed"


def _worklist(session: Session, one: ComparisonRecord) -> dict[str, str] | None:
    if one.pair_id is None:
        return None
    item = find_item(session, find_pair(session, one.pair_id).item_id)
    worklist = find_worklist(session, item.worklist_id)
    return {"id": worklist.id, "name": worklist.name}


def _drawn(session: Session, one: ComparisonRecord) -> dict[str, Any] | None:
    """By which plan the pair was drawn, and how likely."""
    if one.pair_id is None:
        return None
    pair = find_pair(session, one.pair_id)
    return {"plan": pair.plan, "seed": pair.seed, "probability": pair.probability}
