"""Check of feedback against the completion and the slide that it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from models.control_tokens import (
    added_control_token,
    control_token_sentence,
    find_control_token,
)
from models.reasoning.trace import TAG
from models.reward import ABSENCES
from pathviewer.feedback import user_messages
from pathviewer.feedback.completion_reward import CompletionText
from pathviewer.feedback.request import (
    EditedTraceRequest,
    EvidenceRequest,
    FeedbackRequest,
    LabelsRequest,
    PreferenceRequest,
    StepEdit,
    StepLabel,
    VerdictRequest,
)
from pathviewer.feedback.vocabulary import REASONS, STEP_EVENTS
from pathviewer.questions.errors import QuestionRefused
from pathviewer.slides.errors import RegionError
from pathviewer.slides.outline import Outline, check_outline
from storage.feedback.store import NewFeedback

DAY_SECONDS = 86_400.0


def check_feedback(
    request: FeedbackRequest, completion: CompletionText, slide: tuple[int, int] | None
) -> NewFeedback:
    """Return the row of a rater's feedback on this completion.

    `slide` is the slide's width and height in level-0 pixels; None if the slide is gone. Raises
    QuestionRefused or RegionError.
    """
    seconds = request.seconds
    return NewFeedback(
        completion_id=request.completion,
        kind=request.kind,
        idempotency_key=request.key,
        # a page may have been left open
        seconds=None if seconds is None else min(seconds, DAY_SECONDS),
        overlay_seen=request.overlay_seen,
        comment=request.comment,
        **_kind_facts(request, completion, slide),
    )


def _kind_facts(
    request: FeedbackRequest, completion: CompletionText, slide: tuple[int, int] | None
) -> dict[str, Any]:
    """Return the stored fields of the feedback's kind."""
    if isinstance(request, VerdictRequest):
        return {
            "verdict": request.verdict,
            "corrected_answer": request.corrected_answer,
            "confidence": request.confidence,
        }
    if isinstance(request, LabelsRequest):
        return _label_facts(request, completion)
    if isinstance(request, EditedTraceRequest):
        return _edit_facts(request, completion)
    if isinstance(request, EvidenceRequest):
        return _evidence_facts(request, slide)
    return _vote_facts(request)


def _label_facts(request: LabelsRequest, completion: CompletionText) -> dict[str, Any]:
    _check_steps(request.steps, completion)
    return {
        "absences": _in_order(ABSENCES, request.absences),
        "steps": [_step_facts(label, completion) for label in request.steps],
    }


def _step_facts(label: StepLabel, completion: CompletionText) -> dict[str, Any]:
    """Return one step's label; a quote gets its place, and a place its quote."""
    quote, start, stop = _find_quote(label, completion)
    return {
        "step": label.step,
        "events": _in_order(STEP_EVENTS, label.events),
        "quote": quote,
        "start": start,
        "stop": stop,
        "step_class": label.step_class,
    }


def _find_quote(
    label: StepLabel, completion: CompletionText
) -> tuple[str | None, int | None, int | None]:
    """Return a label's quote with its start and stop, in UTF-16 units of the completion.

    All three are None if the label concerns the whole step.
    """
    quote, start, stop = label.quote, label.start, label.stop
    if (start is None) != (stop is None):
        raise QuestionRefused(user_messages.QUOTE_HALF_PLACED)
    if start is not None and stop is not None:
        passage = completion.text_between(start, stop)
        if passage is None or quote not in (None, passage):
            raise QuestionRefused(user_messages.quote_elsewhere(label.step + 1, start, stop))
        return passage, start, stop
    if quote is None:
        return None, None, None
    span = completion.find_quote(completion.trace.steps[label.step], quote)
    if span is None:
        raise QuestionRefused(user_messages.quote_missing(label.step + 1))
    return quote, *span


def _edit_facts(request: EditedTraceRequest, completion: CompletionText) -> dict[str, Any]:
    """Return steps rewritten or struck out; an empty list withdraws earlier edits."""
    _check_steps(request.edited_steps, completion)
    for edit in request.edited_steps:
        _check_step_text(edit.step, edit.text or "")
    edits = {edit.step: edit.text for edit in request.edited_steps}
    if edits and len(edits) == len(completion.trace.steps) and not any(edits.values()):
        raise QuestionRefused(user_messages.TRACE_EMPTY)
    edited_text = completion.apply_edits(edits)
    # two edits, or an edit and the adjacent text, may form a token together
    if token := added_control_token(completion.text, edited_text):
        raise QuestionRefused(control_token_sentence("The edited trace", token))
    return {
        "edited_steps": [{"step": index, "text": edits[index]} for index in sorted(edits)],
        "edited_text": edited_text,
    }


def _check_step_text(index: int, text: str) -> None:
    if TAG.search(text):
        raise QuestionRefused(user_messages.TAGS_IN_STEP)
    if token := find_control_token(text):
        raise QuestionRefused(control_token_sentence(f"Step {index + 1}", token))


def _evidence_facts(request: EvidenceRequest, slide: tuple[int, int] | None) -> dict[str, Any]:
    """Return an evidence region, level-0 pixels; without a box it withdraws an earlier one."""
    box = request.box
    if box is None:
        if request.points is not None:
            raise RegionError(user_messages.POINTS_WITHOUT_BOX)
        return {}
    if slide is not None:
        _check_edges("x", box.x, box.width, slide[0])
        _check_edges("y", box.y, box.height, slide[1])
    points = None
    if request.points is not None:
        width, height = slide or (box.x + box.width, box.y + box.height)
        outline = Outline("polygon", request.points)
        check_outline(outline, width, height)
        points = [list(point) for point in outline.points]
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "points": points}


def _check_edges(axis: Literal["x", "y"], start: int, side: int, limit: int) -> None:
    """Raise RegionError if a box leaves the slide along an axis."""
    if start + side > limit:
        raise RegionError(user_messages.evidence_outside(axis, start, start + side, limit))


def _vote_facts(request: PreferenceRequest) -> dict[str, Any]:
    if request.completion == request.other:
        raise QuestionRefused(user_messages.COMPARED_WITH_ITSELF)
    if request.left not in (request.completion, request.other):
        raise QuestionRefused(user_messages.LEFT_NOT_COMPARED)
    reasons = None if request.reasons is None else _in_order(REASONS, request.reasons)
    return {
        "other_completion_id": request.other,
        "left_completion_id": request.left,
        "choice": request.choice,
        "reasons": reasons,
    }


def _in_order(words: Iterable[str], chosen: Sequence[str]) -> list[str]:
    """Return the chosen words, each once, in the order of the vocabulary."""
    return [word for word in words if word in chosen]


def _check_steps(entries: Sequence[StepLabel | StepEdit], completion: CompletionText) -> None:
    """Raise QuestionRefused for a step that does not exist or occurs twice."""
    last = len(completion.trace.steps) - 1
    for index, count in Counter(entry.step for entry in entries).items():
        if last < 0:
            raise QuestionRefused(user_messages.NO_STEPS)
        if index > last:
            raise QuestionRefused(user_messages.step_unknown(index, last))
        if count > 1:
            raise QuestionRefused(user_messages.step_repeated(index + 1))
