"""What the feedback package says to people."""

from __future__ import annotations

from collections.abc import Iterable

# request_body
COMPARED_WITH_ITSELF = "A completion cannot be compared with itself."
LEFT_NOT_COMPARED = "left must be the id of one of the two completions."
NO_STEPS = "This completion has no steps."
SECONDS_NOT_NUMBER = "seconds must be a number from 0."
TAGS_IN_STEP = "A step cannot contain <think> or <answer> tags; remove them."
TRACE_EMPTY = "Keep at least one step; a trace cannot be empty."


def quote_elsewhere(step_number: int, start: int, stop: int) -> str:
    return f"The quote of step {step_number} is not at {start} to {stop}; select it again."


def quote_missing(step_number: int) -> str:
    return f"The quote does not occur in step {step_number}; select it again."


def not_text(name: str, most: int) -> str:
    return f"{name} must be a text of 1 to {most:,} characters."


def not_choice(name: str, allowed: Iterable[str], value: object) -> str:
    return f"{name} must be one of {', '.join(allowed)}, not {value!r:.40}."


def not_choices(name: str, allowed: Iterable[str], value: object) -> str:
    """`value` is the first one that is not among the allowed."""
    return f"{name} must be of {', '.join(allowed)}, not {value!r:.40}."


def not_list(name: str) -> str:
    return f"{name} must be a list, as in [...]."


def not_object(subject: str, fields: Iterable[str]) -> str:
    return f"{subject} must be an object with {', '.join(sorted(fields))}."


def unknown_fields(subject: str, unknown: Iterable[str], fields: Iterable[str]) -> str:
    named = ", ".join(f"{name!r:.40}" for name in unknown)
    return f"{subject} has no {named}; it has {', '.join(sorted(fields))}."


def step_repeated(step_number: int) -> str:
    return f"Step {step_number} occurs twice; combine the entries."


def not_flag(name: str) -> str:
    return f"{name} must be true or false."
