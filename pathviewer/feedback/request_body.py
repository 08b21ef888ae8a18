"""What a request to keep feedback says, checked against the completion that it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from models.control_tokens import added_control_token, control_token_sentence, find_control_token
from models.process_score import ABSENCES, BESIDE, ERRORS, STEP_CLASSES
from models.reasoning.trace import TAG
from pathviewer.feedback.reward import JudgedText
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.model_input import whole
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
"""Why one of two completions is better."""
KEY_LENGTH = 64
COMMENT_LENGTH = 4_000
ANSWER_LENGTH = 1_000
STEP_LENGTH = 4_000
DAY_SECONDS = 86_400
FARTHEST = 2**31 - 1

COMMON = {"key", "completion", "kind", "seconds", "overlay_seen", "comment"}
FIELDS = {
    "verdict": {"verdict", "corrected_answer", "confidence"},
    "labels": {"absences", "steps"},
    "edited_trace": {"edited_steps"},
    "evidence": {"box", "points"},
    "preference": {"other", "choice", "left", "reasons"},
}
"""Fields of each kind of feedback beside the common ones."""
STEP_FIELDS = {"step", "events", "quote", "start", "stop", "step_class"}


def read_feedback(
    body: Mapping[str, Any], judged: JudgedText, slide: tuple[int, int] | None
) -> NewFeedback:
    """The feedback of a request about this completion.

    `slide` is its width and height, level-0 pixels; None if it is gone. Raises ReadingRefused or
    RegionError with a sentence.
    """
    kind = choice(body, "kind", FIELDS)
    known(body, COMMON | FIELDS[kind], f"Feedback of the kind {kind}")
    return NewFeedback(
        completion_id=text(body, "completion", KEY_LENGTH),
        kind=kind,
        idempotency_key=text(body, "key", KEY_LENGTH),
        seconds=seconds(body),
        overlay_seen=flag(body, "overlay_seen"),
        comment=prose(body, "comment", COMMENT_LENGTH, "The comment"),
        **(of_evidence(body, slide) if kind == "evidence" else READERS[kind](body, judged)),
    )


def of_verdict(body: Mapping[str, Any], _: JudgedText) -> dict[str, Any]:
    """A verdict on the answer."""
    sure = None if body.get("confidence") is None else whole(body, "confidence", 1, 5)
    return {
        "verdict": choice(body, "verdict", VERDICTS),
        "corrected_answer": prose(body, "corrected_answer", ANSWER_LENGTH, "The corrected answer"),
        "confidence": sure,
    }


def of_labels(body: Mapping[str, Any], judged: JudgedText) -> dict[str, Any]:
    """What the trace lacks, and what is wrong with its steps."""
    steps = [step_label(given, judged) for given in items(body, "steps")]
    once([step["step"] for step in steps])
    return {"absences": names(body, "absences", ABSENCES), "steps": steps}


def step_label(given: object, judged: JudgedText) -> dict[str, Any]:
    """One step's label, with the quote and its place both filled in if either is given."""
    label = part(given, STEP_FIELDS, "The label of a step")
    index = step_index(label, judged)
    quote, start, stop = quoted(label, judged, index)
    said = label.get("step_class")
    return {
        "step": index,
        "events": names(label, "events", {**ERRORS, **BESIDE}),
        "quote": quote,
        "start": start,
        "stop": stop,
        "step_class": None if said is None else choice(label, "step_class", STEP_CLASSES),
    }


def quoted(
    label: Mapping[str, Any], judged: JudgedText, index: int
) -> tuple[str | None, int | None, int | None]:
    """The words that a step's label concerns, and their UTF-16 units; all None for the whole."""
    quote = None if label.get("quote") in (None, "") else label["quote"]
    if label.get("start") is not None or label.get("stop") is not None:
        start, stop = (whole(label, end, 0, FARTHEST) for end in ("start", "stop"))
        found = judged.passage(start, stop)
        if found is None or quote not in (None, found):
            raise ReadingRefused(f"The words quoted of step {index + 1} do not stand there.")
        return found, start, stop
    if quote is None:
        return None, None, None
    span = judged.find(judged.trace.steps[index], quote) if isinstance(quote, str) else None
    if span is None:
        raise ReadingRefused(f"The words quoted do not stand in step {index + 1}.")
    return quote, *span


def of_edits(body: Mapping[str, Any], judged: JudgedText) -> dict[str, Any]:
    """Steps rewritten or struck out; none takes former edits back."""
    edits: dict[int, str | None] = {}
    given = [part(each, {"step", "text"}, "An edited step") for each in items(body, "edited_steps")]
    once([step_index(each, judged) for each in given])
    for each in given:
        new = optional(each, "text", STEP_LENGTH)
        if new is not None and TAG.search(new):
            raise ReadingRefused("A step has no <think> or <answer> tags: write its text alone.")
        refuse_control_token(f"Step {each['step'] + 1}", new or "")
        edits[each["step"]] = new
    if edits and len(edits) == len(judged.trace.steps) and not any(edits.values()):
        raise ReadingRefused("Leave at least one step: a trace without any says nothing.")
    edited = judged.edited(edits)
    # two edits, or an edit and the text beside it, may make a token together
    if token := added_control_token(judged.text, edited):
        raise ReadingRefused(control_token_sentence("The edited trace", token))
    return {
        "edited_steps": [{"step": index, "text": edits[index]} for index in sorted(edits)],
        "edited_text": edited,
    }


def of_evidence(body: Mapping[str, Any], slide: tuple[int, int] | None) -> dict[str, Any]:
    """Where the model should have looked, level-0 pixels; no box takes a former one back."""
    if body.get("box", body) is None and body.get("points") is None:
        return {}
    sides = {"x", "y", "width", "height"}
    box = part(body.get("box"), sides, "The box of an evidence region")
    right, bottom = slide or (FARTHEST, FARTHEST)
    x, y = whole(box, "x", 0, right - 1), whole(box, "y", 0, bottom - 1)
    width, height = whole(box, "width", 1, right - x), whole(box, "height", 1, bottom - y)
    points = None
    if body.get("points") is not None:
        outline = Outline("polygon", read_points(body["points"]))
        check_outline(outline, right, bottom)
        points = [list(point) for point in outline.points]
    return {"x": x, "y": y, "width": width, "height": height, "points": points}


def of_preference(body: Mapping[str, Any], _: JudgedText) -> dict[str, Any]:
    """Which of two completions is better."""
    this, other = text(body, "completion", KEY_LENGTH), text(body, "other", KEY_LENGTH)
    left = text(body, "left", KEY_LENGTH)
    if this == other:
        raise ReadingRefused("A completion is compared with another one, not with itself.")
    if left not in (this, other):
        raise ReadingRefused("left is the id of the one of the two that stood on the left.")
    return {
        "other_completion_id": other,
        "left_completion_id": left,
        "choice": choice(body, "choice", CHOICES),
        "reasons": None if body.get("reasons") is None else names(body, "reasons", REASONS),
    }


READERS: Mapping[str, Callable[[Mapping[str, Any], JudgedText], dict[str, Any]]] = {
    "verdict": of_verdict,
    "labels": of_labels,
    "edited_trace": of_edits,
    "preference": of_preference,
}


def text(body: Mapping[str, Any], name: str, most: int) -> str:
    """A text of 1 to `most` characters, without space around."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most or not storable(value):
        raise ReadingRefused(f"{name} is a text of 1 to {most:,} characters.")
    return value.strip()


def storable(value: str) -> bool:
    """Whether databases take it: no half of a surrogate pair, no NUL."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


def optional(body: Mapping[str, Any], name: str, most: int) -> str | None:
    """The same, or None where there is none or an empty one."""
    value = body.get(name)
    return None if value is None or value == "" else text(body, name, most)


def prose(body: Mapping[str, Any], name: str, most: int, what: str) -> str | None:
    """The same of a text that may become training data; `what` begins the sentence of a refusal."""
    value = optional(body, name, most)
    refuse_control_token(what, value or "")
    return value


def refuse_control_token(what: str, value: str) -> None:
    """Raises ReadingRefused for a text that a tokenizer would read as a command."""
    if token := find_control_token(value):
        raise ReadingRefused(control_token_sentence(what, token))


def choice(body: Mapping[str, Any], name: str, allowed: Any) -> str:
    """One of some words."""
    value = body.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise ReadingRefused(f"{name} is one of {', '.join(allowed)}, not {value!r:.40}.")
    return value


def names(body: Mapping[str, Any], name: str, allowed: Collection[str]) -> list[str]:
    """Some of some words, each once, in the order in which they are known."""
    given = items(body, name)
    if wrong := [value for value in given if not isinstance(value, str) or value not in allowed]:
        raise ReadingRefused(f"{name} are of {', '.join(allowed)}, not {wrong[0]!r:.40}.")
    return [word for word in allowed if word in given]


def items(body: Mapping[str, Any], name: str) -> list[Any]:
    """A list; it may be empty but must be there."""
    value = body.get(name)
    if not isinstance(value, list):
        raise ReadingRefused(f"{name} is a list, as in [...].")
    return value


def part(value: object, fields: set[str], what: str) -> dict[str, Any]:
    """An object with fields of these names."""
    if not isinstance(value, dict):
        raise ReadingRefused(f"{what} is an object with {', '.join(sorted(fields))}.")
    known(value, fields, what)
    return value


def known(body: Mapping[str, Any], fields: set[str], what: str) -> None:
    """Refuse fields that would be lost."""
    if unknown := sorted(set(body) - fields):
        named = ", ".join(f"{name!r:.40}" for name in unknown)
        raise ReadingRefused(f"{what} has no {named}; it has {', '.join(sorted(fields))}.")


def step_index(given: Mapping[str, Any], judged: JudgedText) -> int:
    """Which step, counted from 0."""
    count = len(judged.trace.steps)
    if not count:
        raise ReadingRefused("This completion has no steps.")
    return whole(given, "step", 0, count - 1)


def once(indexes: list[int]) -> None:
    """Refuse to hear of one step twice."""
    for index, count in Counter(indexes).items():
        if count > 1:
            raise ReadingRefused(f"Step {index + 1} is named twice: say all of it at once.")


def seconds(body: Mapping[str, Any]) -> float | None:
    """Time spent; a day at most, so that a tablet left open does not count."""
    value = body.get("seconds")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ReadingRefused("seconds is a number from 0.")
    return float(min(value, DAY_SECONDS))


def flag(body: Mapping[str, Any], name: str) -> bool | None:
    """True, false, or None where nothing is said."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise ReadingRefused(f"{name} is true or false.")
    return value
