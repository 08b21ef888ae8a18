"""Comparisons as JSON; models and other votes are blinded until the rater has voted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pathviewer.feedback.feedback_json import pseudonym
from pathviewer.questions.question_json import box_json
from pathviewer.questions.trace_json import trace_json
from pathviewer.slides.slide_identity import identity_json
from storage.blinding.policy import Content
from storage.blinding.state import load_pair_state
from storage.comparisons.pair_assignment import find_sides, list_other_votes
from storage.comparisons.pairs import find_pair
from storage.feedback.store import find_feedback
from storage.questions.store import find_completion, find_question
from storage.worklists.store import find_item, find_worklist

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from storage.blinding.policy import Viewer
    from storage.comparisons.records import ComparisonRecord
    from storage.feedback.store import FeedbackRecord
    from storage.questions.records import CompletionRecord, QuestionRecord

SIDES = ("left", "right")


def comparison_json(
    session: Session, comparison: ComparisonRecord, viewer: Viewer, *, shows_names: bool
) -> dict[str, Any]:
    """Return what the rater, who is the viewer, may see of a comparison now.

    `shows_names` says whether the settings show names of files and cases.
    """
    answers = find_side_completions(session, comparison)
    question = (
        answers["left"][1] if answers else find_question(session, str(comparison.question_id))
    )
    is_own = comparison.pair_id is None
    return {
        "id": comparison.id,
        "worklist": _worklist_json(session, comparison),
        "round": comparison.round,
        "slide": {"id": question.slide_id},
        "slide_identity": identity_json(question.slide_identity, shows_names=shows_names),
        "box": box_json(question),
        "points": question.points,
        "question": question.question,
        "options": list(question.options),
        "state": _state(comparison, question, bool(answers)),
        "error": question.failure if is_own else None,
        "reading": comparison.question_id,
        "flipped": comparison.flipped if is_own else None,
        "sides": {side: _side_json(completion) for side, (completion, _) in answers.items()}
        or None,
        **_vote_json(session, comparison, viewer, answers),
    }


def find_side_completions(
    session: Session, comparison: ComparisonRecord
) -> dict[str, tuple[CompletionRecord, QuestionRecord]]:
    """Return each side's completion and its question; empty until both completions exist."""
    completion_ids = find_sides(session, comparison)
    if completion_ids is None:
        return {}
    completions = [find_completion(session, each) for each in completion_ids]
    return {
        side: (completion, find_question(session, completion.question_id))
        for side, completion in zip(SIDES, completions, strict=True)
    }


def _vote_json(
    session: Session,
    comparison: ComparisonRecord,
    viewer: Viewer,
    answers: dict[str, tuple[CompletionRecord, QuestionRecord]],
) -> dict[str, Any]:
    """Return what is visible after the vote; all None before it."""
    hidden = {"vote": None, "names": None, "others": None, "drawn": None}
    if comparison.feedback_id is None:
        return hidden
    access = load_pair_state(session, viewer, (answers["left"][0].id, answers["right"][0].id))
    if not (access.decide(Content.names).is_visible and access.decide(Content.votes).is_visible):
        return hidden
    others = [
        {"rater": pseudonym(number), "choice": _mirror_choice(choice, left, answers["left"][0].id)}
        for number, (_, choice, left) in enumerate(list_other_votes(session, comparison))
    ]
    return {
        "vote": _own_vote_json(find_feedback(session, comparison.feedback_id)),
        "names": {side: _author_json(*answer) for side, answer in answers.items()},
        "others": others,
        "drawn": _draw_json(session, comparison),
    }


def _own_vote_json(feedback: FeedbackRecord) -> dict[str, Any]:
    return {
        "choice": feedback.choice,
        "reasons": list(feedback.reasons or ()),
        "comment": feedback.comment,
        "created_at": feedback.created_at.isoformat(),
    }


def _author_json(completion: CompletionRecord, question: QuestionRecord) -> dict[str, Any]:
    return {
        "model": question.model,
        "model_revision": question.model_revision,
        "sampling": dict(question.sampling),
        "reading": question.id,
        "index": completion.index,
        "seconds": completion.seconds,
        "created_at": completion.created_at.isoformat(),
    }


def _mirror_choice(choice: str, their_left: str | None, my_left: str) -> str:
    """Translate another rater's choice to this rater's sides."""
    if choice not in SIDES or their_left == my_left:
        return choice
    return "right" if choice == "left" else "left"


def _side_json(completion: CompletionRecord) -> dict[str, Any]:
    return {
        "text": completion.text,
        "finish": completion.finish,
        "trace": trace_json(completion.text, completion.finish),  # type: ignore[arg-type]
    }


def _state(comparison: ComparisonRecord, question: QuestionRecord, written: bool) -> str:
    if comparison.feedback_id is not None:
        return "voted"
    if comparison.skipped:
        return "skipped"
    if written:
        return "ready"
    return "streaming" if question.state == "running" else "failed"


def _worklist_json(session: Session, comparison: ComparisonRecord) -> dict[str, str] | None:
    if comparison.pair_id is None:
        return None
    item = find_item(session, find_pair(session, comparison.pair_id).item_id)
    worklist = find_worklist(session, item.worklist_id)
    return {"id": worklist.id, "name": worklist.name}


def _draw_json(session: Session, comparison: ComparisonRecord) -> dict[str, Any] | None:
    """Return the plan, seed and probability of the pair's draw; None without a pair."""
    if comparison.pair_id is None:
        return None
    pair = find_pair(session, comparison.pair_id)
    return {"plan": pair.plan, "seed": pair.seed, "probability": pair.probability}
