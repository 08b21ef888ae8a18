"""Parsing of feedback requests, checked against the completion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from models.control_tokens import added_control_token, control_token_sentence, find_control_token
from models.reasoning.trace import TAG
from models.reward import ABSENCES, ERRORS, OUTSIDE_FORMULA, STEP_CLASSES
from pathviewer.feedback import user_messages
from pathviewer.feedback.completion_reward import CompletionText
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.model_input import read_whole_number
from pathviewer.slides.outline import Outline, check_outline, read_points
from storage.feedback.store import NewFeedback

VERDICTS = (
    "correct",
    "partly_correct",
    "incorrect",
    "unsure",
    "not_assessable",
    "unsuitable_question",
)
CHOICES = ("left", "right", "tie", "both_bad")
REASONS = ("wrong_finding", "right_answer_wrong_reason", "missed_finding", "unsafe", "too_long")
"""Reasons to prefer one of two completions."""
KEY_LENGTH = 64
COMMENT_LENGTH = 4_000
ANSWER_LENGTH = 1_000
STEP_LENGTH = 4_000
DAY_SECONDS = 86_400
LARGEST_OFFSET = 2**31 - 1

COMMON_FIELDS = {"key", "completion", "kind", "seconds", "overlay_seen", "comment"}
KIND_FIELDS = {
    "verdict": {"verdict", "corrected_answer", "confidence"},
    "labels": {"absences", "steps"},
    "edited_trace": {"edited_steps"},
    "evidence": {"box", "points"},
    "preference": {"other", "choice", "left", "reasons"},
}
"""Fields of each kind of feedback, besides COMMON_FIELDS."""
STEP_FIELDS = {"step", "events", "quote", "start", "stop", "step_class"}


def read_feedback(
    body: Mapping[str, Any], completion: CompletionText, slide: tuple[int, int] | None
) -> NewFeedback:
    """Parse the feedback of a request on this completion.

    `slide` is the slide's width and height in level-0 pixels; None if the slide is gone. Raises
    QuestionRefused or RegionError.
    """
    kind = read_choice(body, "kind", KIND_FIELDS)
    refuse_unknown_fields(body, COMMON_FIELDS | KIND_FIELDS[kind], f"Feedback of the kind {kind}")
    return NewFeedback(
        completion_id=read_text(body, "completion", KEY_LENGTH),
        kind=kind,
        idempotency_key=read_text(body, "key", KEY_LENGTH),
        seconds=read_seconds(body),
        overlay_seen=read_flag(body, "overlay_seen"),
        comment=read_prose(body, "comment", COMMENT_LENGTH, "The comment"),
        **(
            read_evidence(body, slide)
            if kind == "evidence"
            else BODY_READERS[kind](body, completion)
        ),
    )


def read_verdict(body: Mapping[str, Any], _: CompletionText) -> dict[str, Any]:
    """Parse a verdict on the answer."""
    confidence = (
        None if body.get("confidence") is None else read_whole_number(body, "confidence", 1, 5)
    )
    return {
        "verdict": read_choice(body, "verdict", VERDICTS),
        "corrected_answer": read_prose(
            body, "corrected_answer", ANSWER_LENGTH, "The corrected answer"
        ),
        "confidence": confidence,
    }


def read_labels(body: Mapping[str, Any], completion: CompletionText) -> dict[str, Any]:
    """Parse labels: absences of the trace and errors of its steps."""
    steps = [read_step_label(label, completion) for label in read_list(body, "steps")]
    refuse_repeated_steps([step["step"] for step in steps])
    return {"absences": read_names(body, "absences", ABSENCES), "steps": steps}


def read_step_label(value: object, completion: CompletionText) -> dict[str, Any]:
    """Parse one step's label; a quote gets its place, and a place its quote."""
    label = read_object(value, STEP_FIELDS, "The label of a step")
    index = read_step_index(label, completion)
    quote, start, stop = read_quote(label, completion, index)
    step_class = label.get("step_class")
    return {
        "step": index,
        "events": read_names(label, "events", {**ERRORS, **OUTSIDE_FORMULA}),
        "quote": quote,
        "start": start,
        "stop": stop,
        "step_class": None
        if step_class is None
        else read_choice(label, "step_class", STEP_CLASSES),
    }


def read_quote(
    label: Mapping[str, Any], completion: CompletionText, index: int
) -> tuple[str | None, int | None, int | None]:
    """Return a label's quote with its start and stop, in UTF-16 units of the completion.

    All three are None if the label concerns the whole step.
    """
    quote = None if label.get("quote") in (None, "") else label["quote"]
    if label.get("start") is not None or label.get("stop") is not None:
        start, stop = (
            read_whole_number(label, end, 0, LARGEST_OFFSET) for end in ("start", "stop")
        )
        passage = completion.text_between(start, stop)
        if passage is None or quote not in (None, passage):
            raise QuestionRefused(user_messages.quote_elsewhere(index + 1, start, stop))
        return passage, start, stop
    if quote is None:
        return None, None, None
    span = (
        completion.find_quote(completion.trace.steps[index], quote)
        if isinstance(quote, str)
        else None
    )
    if span is None:
        raise QuestionRefused(user_messages.quote_missing(index + 1))
    return quote, *span


def read_edits(body: Mapping[str, Any], completion: CompletionText) -> dict[str, Any]:
    """Parse edits: steps rewritten or struck out; an empty list withdraws earlier edits."""
    edits: dict[int, str | None] = {}
    submitted = [
        read_object(each, {"step", "text"}, "An edited step")
        for each in read_list(body, "edited_steps")
    ]
    refuse_repeated_steps([read_step_index(each, completion) for each in submitted])
    for each in submitted:
        new = read_optional_text(each, "text", STEP_LENGTH)
        if new is not None and TAG.search(new):
            raise QuestionRefused(user_messages.TAGS_IN_STEP)
        refuse_control_token(f"Step {each['step'] + 1}", new or "")
        edits[each["step"]] = new
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


def read_evidence(body: Mapping[str, Any], slide: tuple[int, int] | None) -> dict[str, Any]:
    """Parse an evidence region, level-0 pixels; a null box withdraws an earlier region."""
    if body.get("box", body) is None and body.get("points") is None:
        return {}
    sides = {"x", "y", "width", "height"}
    box = read_object(body.get("box"), sides, "The box of an evidence region")
    right, bottom = slide or (LARGEST_OFFSET, LARGEST_OFFSET)
    x, y = read_whole_number(box, "x", 0, right - 1), read_whole_number(box, "y", 0, bottom - 1)
    width, height = (
        read_whole_number(box, "width", 1, right - x),
        read_whole_number(box, "height", 1, bottom - y),
    )
    points = None
    if body.get("points") is not None:
        outline = Outline("polygon", read_points(body["points"]))
        check_outline(outline, right, bottom)
        points = [list(point) for point in outline.points]
    return {"x": x, "y": y, "width": width, "height": height, "points": points}


def read_preference(body: Mapping[str, Any], _: CompletionText) -> dict[str, Any]:
    """Parse a vote between two completions."""
    completion_id, other_id = (
        read_text(body, "completion", KEY_LENGTH),
        read_text(body, "other", KEY_LENGTH),
    )
    left_id = read_text(body, "left", KEY_LENGTH)
    if completion_id == other_id:
        raise QuestionRefused(user_messages.COMPARED_WITH_ITSELF)
    if left_id not in (completion_id, other_id):
        raise QuestionRefused(user_messages.LEFT_NOT_COMPARED)
    return {
        "other_completion_id": other_id,
        "left_completion_id": left_id,
        "choice": read_choice(body, "choice", CHOICES),
        "reasons": None if body.get("reasons") is None else read_names(body, "reasons", REASONS),
    }


BODY_READERS: Mapping[str, Callable[[Mapping[str, Any], CompletionText], dict[str, Any]]] = {
    "verdict": read_verdict,
    "labels": read_labels,
    "edited_trace": read_edits,
    "preference": read_preference,
}


def read_text(body: Mapping[str, Any], name: str, most: int) -> str:
    """Return a text of 1 to `most` characters, stripped. Raises QuestionRefused."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most or not is_storable(value):
        raise QuestionRefused(user_messages.not_text(name, most))
    return value.strip()


def is_storable(value: str) -> bool:
    """Whether databases accept the text: no lone surrogate, no NUL."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


def read_optional_text(body: Mapping[str, Any], name: str, most: int) -> str | None:
    """Return a text as `read_text` does, or None if it is missing or empty."""
    value = body.get(name)
    return None if value is None or value == "" else read_text(body, name, most)


def read_prose(body: Mapping[str, Any], name: str, most: int, subject: str) -> str | None:
    """Return an optional text that may become training data; refuse control tokens.

    `subject` starts the error message.
    """
    value = read_optional_text(body, name, most)
    refuse_control_token(subject, value or "")
    return value


def refuse_control_token(subject: str, value: str) -> None:
    """Raise QuestionRefused if the text contains a control token of a tokenizer."""
    if token := find_control_token(value):
        raise QuestionRefused(control_token_sentence(subject, token))


def read_choice(body: Mapping[str, Any], name: str, allowed: Any) -> str:
    """Return one of the allowed words. Raises QuestionRefused."""
    value = body.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise QuestionRefused(user_messages.not_choice(name, allowed, value))
    return value


def read_names(body: Mapping[str, Any], name: str, allowed: Collection[str]) -> list[str]:
    """Return some of the allowed words, each once, in the order of `allowed`."""
    values = read_list(body, name)
    if wrong := [value for value in values if not isinstance(value, str) or value not in allowed]:
        raise QuestionRefused(user_messages.not_choices(name, allowed, wrong[0]))
    return [word for word in allowed if word in values]


def read_list(body: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list, which may be empty. Raises QuestionRefused if it is missing."""
    value = body.get(name)
    if not isinstance(value, list):
        raise QuestionRefused(user_messages.not_list(name))
    return value


def read_object(value: object, fields: set[str], subject: str) -> dict[str, Any]:
    """Return an object that has no other fields than these. Raises QuestionRefused."""
    if not isinstance(value, dict):
        raise QuestionRefused(user_messages.not_object(subject, fields))
    refuse_unknown_fields(value, fields, subject)
    return value


def refuse_unknown_fields(body: Mapping[str, Any], fields: set[str], subject: str) -> None:
    """Raise QuestionRefused for fields that would be ignored."""
    if unknown := sorted(set(body) - fields):
        raise QuestionRefused(user_messages.unknown_fields(subject, unknown, fields))


def read_step_index(label: Mapping[str, Any], completion: CompletionText) -> int:
    """Return the step's index, from 0. Raises QuestionRefused."""
    count = len(completion.trace.steps)
    if not count:
        raise QuestionRefused(user_messages.NO_STEPS)
    return read_whole_number(label, "step", 0, count - 1)


def refuse_repeated_steps(indexes: list[int]) -> None:
    """Raise QuestionRefused if a step occurs twice."""
    for index, count in Counter(indexes).items():
        if count > 1:
            raise QuestionRefused(user_messages.step_repeated(index + 1))


def read_seconds(body: Mapping[str, Any]) -> float | None:
    """Return the time spent, in seconds; at most a day, in case a page was left open."""
    value = body.get("seconds")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise QuestionRefused(user_messages.SECONDS_NOT_NUMBER)
    return float(min(value, DAY_SECONDS))


def read_flag(body: Mapping[str, Any], name: str) -> bool | None:
    """Return true, false, or None if the field is missing. Raises QuestionRefused."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise QuestionRefused(user_messages.not_flag(name))
    return value
