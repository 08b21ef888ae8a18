"""Strict parsing of an endpoint's reply: a verdict, or a reason to abstain."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.judges.base import EventFinding, JudgeInput, JudgeVerdict
from models.reasoning.trace import ReasoningTrace
from models.reward import ABSENCES, ERRORS, OUTSIDE_FORMULA, score_events

LEAST_WORDS = 3
"""Fewest words of a quote, unless it is a whole step: a single letter is in every trace."""
LEAST_LIKENESS = 0.75
"""Least likeness (`difflib`) of each word of a quote to the word that it was copied from."""
STEP_NUMBER = re.compile(r"^(?:step )?\d+[.:)]\s*")
"""The number that a step begins with, in normalised text."""
ELLIPSIS = re.compile(r"\s*(?:\.\.\.|…|\[\.\.\.\])\s*")


class Abstention(Exception):  # noqa: N818 - it is no error to abstain
    """A trace was not judged; the message is a short, countable reason."""


@dataclass(frozen=True)
class Reply:
    """A reply of an endpoint."""

    content: str
    """Text that the model wrote."""
    prompt_tokens: int = 0
    """Tokens of the request; 0 if not reported."""
    completion_tokens: int = 0
    """Tokens of the reply; 0 if not reported."""


def read_reply(payload: bytes) -> Reply:
    """Text of a chat completion's body; raises Abstention if it is invalid or truncated."""
    try:
        body = json.loads(payload)
        choice = body["choices"][0]
        content = choice["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise Abstention("not a chat completion") from error
    if choice.get("finish_reason") not in {None, "stop"}:
        raise Abstention("reply cut off")
    if not isinstance(content, str):
        raise Abstention("refused to reply")
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(content, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))


def read_verdict(content: str, subject: JudgeInput) -> JudgeVerdict:
    """Parse a verdict; raises Abstention unless all six events are present, with their quotes.

    A quote of three words or a whole step must occur in the trace: where an error happened, and
    where an absence is denied. Spacing, case and quotation marks do not count, slips in copying are
    forgiven, and dots may stand for omitted words. What is described but not in the region counts
    only if well quoted.
    """
    try:
        events = json.loads(content, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise Abstention("reply is no JSON") from error
    if not isinstance(events, dict) or set(events) - {*ABSENCES, *ERRORS, *OUTSIDE_FORMULA}:
        raise Abstention("reply has another shape")
    trace = subject.trace
    findings = []
    for event in (*ABSENCES, *ERRORS):
        happened, quote = _event(events.get(event))
        absence = event in ABSENCES
        step = None
        if happened is not absence:
            step = _quoted_step(trace, subject.completion, quote)
        if happened:
            findings.append(EventFinding(event, "" if absence else quote, step))
    score = score_events([finding.event for finding in findings])
    return JudgeVerdict(score.reward, (*findings, *_beside(events, subject)), score)


def _beside(events: Mapping[str, Any], subject: JudgeInput) -> list[EventFinding]:
    """Credible findings recorded outside the formula."""
    extra_findings = []
    for event in OUTSIDE_FORMULA:
        try:
            happened, quote = _event(events.get(event))
            if happened:
                step = _quoted_step(subject.trace, subject.completion, quote)
                extra_findings.append(EventFinding(event, quote, step))
        except Abstention:
            continue
    return extra_findings


def _event(value: Any) -> tuple[bool, str]:
    """Whether an event happened, and its quote."""
    if not isinstance(value, dict) or set(value) != {"happened", "quote"}:
        raise Abstention("reply has another shape")
    if not isinstance(value["happened"], bool) or not isinstance(value["quote"], str):
        raise Abstention("reply has another shape")
    return value["happened"], value["quote"].strip()


def _quoted_step(trace: ReasoningTrace, text: str, quote: str) -> int | None:
    """Step where a quote begins, from 0; None if outside steps; raises Abstention if absent."""
    parts = [_plain(part) for part in ELLIPSIS.split(quote.strip("\"'“”‘’")) if _plain(part)]
    if not parts:
        raise Abstention("no quote")
    steps = [_plain(step.text) for step in trace.steps]
    words = sum(len(part.split()) for part in parts)
    whole = {STEP_NUMBER.sub("", step, count=1) for step in steps} | set(steps)
    if words < LEAST_WORDS and (len(parts) > 1 or parts[0] not in whole):
        raise Abstention("quote is too short")
    if _in_order(parts, _plain(text)):
        for index, step in enumerate(steps):
            if _find(parts[0], step):
                return index
        return None
    raise Abstention("quote is not in the trace")


def _in_order(parts: list[str], text: str) -> bool:
    """Whether the parts occur in a text in this order."""
    place = 0
    for part in parts:
        found = _find(part, text, place)
        if found is None:
            return False
        place = found[1]
    return True


def _find(part: str, text: str, start: int = 0) -> tuple[int, int] | None:
    """Where a text has a part from `start` on, exactly or word by word alike; None if nowhere."""
    place = text.find(part, start)
    if place >= 0:
        return place, place + len(part)
    words = list(re.finditer(r"\S+", text[start:]))
    quoted = part.split()
    for first in range(len(words) - len(quoted) + 1):
        copied = words[first : first + len(quoted)]
        if all(_is_alike(word[0], other) for word, other in zip(copied, quoted, strict=True)):
            return start + copied[0].start(), start + copied[-1].end()
    return None


def _is_alike(word: str, other: str) -> bool:
    """Whether two words differ by a slip at most."""
    likeness = difflib.SequenceMatcher(a=word, b=other, autojunk=False)
    return likeness.quick_ratio() >= LEAST_LIKENESS and likeness.ratio() >= LEAST_LIKENESS


def _plain(text: str) -> str:
    """Normalise text for comparing quotes."""
    return " ".join(re.sub("[\"'“”‘’]", "", text).casefold().split())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object, refusing duplicate keys."""
    values = dict(pairs)
    if len(values) != len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return values


def _count(usage: Mapping[str, Any], name: str) -> int:
    """Number of tokens; 0 if absent."""
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0
