"""An endpoint's reply read strictly: a verdict, or the reason to abstain."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.judges.judge import Finding, JudgedTrace, Verdict
from models.process_score import ABSENCES, BESIDE, ERRORS, score_events
from models.reasoning.trace import ReasoningTrace

ELLIPSIS = re.compile(r"\s*(?:\.\.\.|…|\[\.\.\.\])\s*")


class Abstention(Exception):  # noqa: N818 - it is no error to abstain
    """A trace was not judged; the message says why in a few words that can be counted."""


@dataclass(frozen=True)
class Reply:
    """One reply of an endpoint."""

    content: str
    """What the model wrote."""
    prompt_tokens: int = 0
    """Tokens of the request, 0 if it does not say."""
    completion_tokens: int = 0
    """Tokens of the reply, 0 if it does not say."""


def read_reply(payload: bytes) -> Reply:
    """The model's words in the body of a chat completion; Abstention if it is none or cut off."""
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


def read_verdict(content: str, judged: JudgedTrace) -> Verdict:
    """The verdict in a reply; Abstention unless all six events are there, with their quotes.

    A quote must stand in the trace: where an error is said to have happened, and where an absence
    is said not to have. Spacing, capitals and quotation marks do not count, and dots may stand for
    words left out. What is described but not in the region is taken only if it is well quoted.
    """
    try:
        events = json.loads(content, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise Abstention("reply is no JSON") from error
    if not isinstance(events, dict) or set(events) - {*ABSENCES, *ERRORS, *BESIDE}:
        raise Abstention("reply has another shape")
    trace = judged.trace
    findings = []
    for event in (*ABSENCES, *ERRORS):
        happened, quote = _event(events.get(event))
        absence = event in ABSENCES
        step = None
        if happened is not absence:
            step = _quoted_step(trace, judged.completion, quote)
        if happened:
            findings.append(Finding(event, "" if absence else quote, step))
    score = score_events([finding.event for finding in findings])
    return Verdict(score.reward, (*findings, *_beside(events, judged)), score)


def _beside(events: Mapping[str, Any], judged: JudgedTrace) -> list[Finding]:
    """What is recorded outside the formula, where it can be believed."""
    found = []
    for event in BESIDE:
        try:
            happened, quote = _event(events.get(event))
            if happened:
                step = _quoted_step(judged.trace, judged.completion, quote)
                found.append(Finding(event, quote, step))
        except Abstention:
            continue
    return found


def _event(value: Any) -> tuple[bool, str]:
    """Whether an event happened, and the quote."""
    if not isinstance(value, dict) or set(value) != {"happened", "quote"}:
        raise Abstention("reply has another shape")
    if not isinstance(value["happened"], bool) or not isinstance(value["quote"], str):
        raise Abstention("reply has another shape")
    return value["happened"], value["quote"].strip()


def _quoted_step(trace: ReasoningTrace, text: str, quote: str) -> int | None:
    """The step that a quote begins in, None if outside the steps; Abstention if it is nowhere."""
    parts = [_plain(part) for part in ELLIPSIS.split(quote.strip("\"'“”‘’")) if _plain(part)]
    if not parts:
        raise Abstention("no quote")
    if _in_order(parts, _plain(text)):
        for index, step in enumerate(trace.steps):
            if parts[0] in _plain(step.text):
                return index
        return None
    raise Abstention("quote is not in the trace")


def _in_order(parts: list[str], text: str) -> bool:
    """Whether the parts stand in a text one after another."""
    place = 0
    for part in parts:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def _plain(text: str) -> str:
    """Text as quotes are compared."""
    return " ".join(re.sub("[\"'“”‘’]", "", text).casefold().split())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key stands twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return made


def _count(usage: Mapping[str, Any], name: str) -> int:
    """A number of tokens; 0 if there is none."""
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0
