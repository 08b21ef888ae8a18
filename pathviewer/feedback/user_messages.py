"""What the feedback package says to people."""

from __future__ import annotations

# check_feedback
COMPARED_WITH_ITSELF = "A completion cannot be compared with itself."
LEFT_NOT_COMPARED = "left must be the id of one of the two completions."
NO_STEPS = "This completion has no steps."
POINTS_WITHOUT_BOX = "The points of an evidence region need its box; send both."
QUOTE_HALF_PLACED = "start and stop of a quote belong together: send both or neither."
TAGS_IN_STEP = "A step cannot contain <think> or <answer> tags; remove them."
TRACE_EMPTY = "Keep at least one step; a trace cannot be empty."


def evidence_outside(axis: str, start: int, stop: int, limit: int) -> str:
    """Places are in level-0 pixels."""
    return (
        f"The evidence region reaches from {axis} = {start:,} to {stop:,}, but the slide ends at "
        f"{limit:,}: draw it on the slide."
    )


def quote_elsewhere(step_number: int, start: int, stop: int) -> str:
    return f"The quote of step {step_number} is not at {start} to {stop}; select it again."


def quote_missing(step_number: int) -> str:
    return f"The quote does not occur in step {step_number}; select it again."


def step_repeated(step_number: int) -> str:
    return f"Step {step_number} occurs twice; combine the entries."


def step_unknown(index: int, last: int) -> str:
    return f"step must be a whole number from 0 to {last:,}, not {index:,}."
