"""One reading while it is written, and lately done: what the model's events make of it.

A reading tells its story as numbered events, which a page may hear from any number on.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from models.messages import AttentionRows, End, Event, Queued, Started, Token
from models.scoring import said
from pathviewer.reading.ask import Comparing, Reading
from pathviewer.reading.asked import Asked
from pathviewer.reading.attention_file import kept
from pathviewer.reading.errors import ReadingNotFound, ReadingRefused
from pathviewer.reading.live_attention import LiveAttention
from pathviewer.reading.map_values import SeenCompletion
from pathviewer.reading.trace_json import trace_json

TEXT_SECONDS = 0.05
"""Least time between two events with the text of one completion."""
OPEN_BEFORE_ANSWER = frozenset({"queued", "started", "first_answer_wanted", "failed"})
"""Events that a blind reading tells before the clinician has answered."""
REPLACES = {
    "text": "text",
    "ended": "text",
    "attention": "attention",
    "maps": "attention",
}
"""Events of this kind take the place of the last of that kind, so that whoever comes late hears
what is new alone."""


class LiveReading:
    """One reading; safe to be used from several threads."""

    def __init__(self, asked: Asked) -> None:
        self.id = str(uuid.uuid4())
        self.asked = asked
        self._looks: dict[int, LiveAttention] = {}
        self._seen: dict[int, SeenCompletion] = {}
        self.created_at = datetime.now(UTC)
        self.state = "running"
        self.failure: str | None = None
        self.started: dict[str, Any] = {"placements": [], "model_revision": None}
        self.first_answer: dict[str, Any] | None = None
        self._completions: list[dict[str, Any]] = []
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._texts = [""] * asked.count
        self._told_at = dict.fromkeys(range(asked.count), 0.0)
        self._number = 0
        self._lock = threading.Lock()

    @property
    def withheld(self) -> bool:
        """Whether the model's text is kept back until the clinician has answered.

        A reading that ended before anything was written has nothing to keep back.
        """
        nothing = self.state != "running" and not any(self._texts)
        return self.asked.blind and self.first_answer is None and not nothing

    def since(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Events after this number that may be told now."""
        with self._lock:
            after = [pair for pair in self._events if pair[0] > number]
            if self.withheld:
                return [pair for pair in after if pair[1]["type"] in OPEN_BEFORE_ANSWER]
            return after

    def freeze_answer(self, answer: str, confidence: int | None) -> None:
        """Keep the clinician's own answer; raises ReadingRefused on a second one."""
        with self._lock:
            if not self.withheld:
                raise ReadingRefused("Your answer is kept already and cannot be changed.", 409)
            self.first_answer = {"answer": answer, "confidence": confidence}

    def as_json(self) -> dict[str, Any]:
        """The whole reading for the page; without completions while they are withheld."""
        with self._lock:
            told = [] if self.withheld else list(self._completions)
            first = self.first_answer or {}
            return (
                self.asked.facts
                | self.started
                | {
                    "id": self.id,
                    "created_at": self.created_at.isoformat(),
                    "state": "running" if self.withheld and self.state != "failed" else self.state,
                    "first_answer": first.get("answer"),
                    "first_confidence": first.get("confidence"),
                    "error": self.failure,
                    "completions": told,
                    "agreement": self._agreement() if len(told) > 1 else None,
                }
            )

    def _agreement(self) -> dict[str, int]:
        """How many completions give each answer; those without one are not counted."""
        given = [one["trace"]["answer"] for one in self._completions]
        answers = [said(answer["text"], self.asked.options) for answer in given if answer]
        return dict(Counter(answers).most_common())

    def hear(self, event: Event | Comparing | Reading) -> None:
        """Take an event of `ask` over."""
        if isinstance(event, Queued):
            self.tell({"type": "queued", "position": event.position})
        elif isinstance(event, Started):
            self._started(event)
        elif isinstance(event, Token):
            self._token(event)
        elif isinstance(event, AttentionRows):
            self._looked(event)
        elif isinstance(event, End):
            self._ended(event)
        elif isinstance(event, Comparing):
            self._comparing()
        else:
            self._compared(event)

    def tell(self, event: dict[str, Any]) -> None:
        """Add an event, which may take the place of one before it."""
        former = REPLACES.get(event["type"]), event.get("index")
        with self._lock:
            self._number += 1
            self._events = [
                (n, e) for n, e in self._events if (e["type"], e.get("index")) != former
            ]
            self._events.append((self._number, event))

    def end(self, state: str, failure: str | None = None) -> None:
        """Say that nothing follows; a reading ends once."""
        if self.state != "running":
            return
        self.state = state
        self.failure = failure
        if failure is None:
            self.tell({"type": "done"})
        else:
            self.tell({"type": "failed", "code": "model_failed", "message": failure})

    def seen(self, index: int) -> SeenCompletion:
        """Where a completion looked; raises ReadingNotFound while that cannot be told."""
        with self._lock:
            found = None if self.withheld else self._seen.get(index)
        if found is None:
            raise ReadingNotFound("There are no maps of this answer, or not yet.")
        return found

    def _started(self, event: Started) -> None:
        self._looks = {index: LiveAttention(event.placements[0]) for index in self._told_at}
        places = [vars(place) | {"box": vars(place.box)} for place in event.placements]
        self.started = {"placements": places, "model_revision": event.model.revision}
        told = {"placements": places, "prompt_tokens": event.prompt_tokens}
        self.tell({"type": "started", "model": event.model.name, **told})
        if self.asked.blind:
            self.tell({"type": "first_answer_wanted"})

    def _token(self, event: Token) -> None:
        index = event.completion_index
        self._texts[index] += event.text
        if index in self._looks:
            self._looks[index].write(event.text)
        now = time.monotonic()
        if now - self._told_at[index] < TEXT_SECONDS:
            return
        self._told_at[index] = now
        text = self._texts[index]
        trace = trace_json(text, None)
        self.tell({"type": "text", "index": index, "text": text, "trace": trace})

    def _looked(self, event: AttentionRows) -> None:
        found = self._looks[event.completion_index].look(event)
        if found:
            self.tell({"type": "attention", "index": event.completion_index, **found})

    def _comparing(self) -> None:
        """Say once that the answers are whole and a neutral question is under way."""
        if self._events[-1][1]["type"] != "comparing":
            self.tell({"type": "comparing"})

    def _compared(self, reading: Reading) -> None:
        """Keep where a completion looked, in place of what was gathered while it was written."""
        index, completion = reading.end.completion_index, reading.completion
        del self._looks[index]
        if reading.rows is None:
            return
        with self._lock:
            self._seen[index] = SeenCompletion(
                completion.text,
                completion.token_ends,
                reading.started.placements[0],
                kept(reading.rows, reading.neutral),
            )
        self.tell({"type": "maps", "index": index})

    def _ended(self, event: End) -> None:
        completion = event.completion
        told = {
            "index": event.completion_index,
            "text": completion.text,
            "finish": completion.finish,
            "trace": trace_json(completion.text, completion.finish),
            "seconds": event.seconds,
            "first_token_seconds": event.first_token_seconds,
        }
        completion_id = str(uuid.uuid4())
        with self._lock:
            self._completions.append({"id": completion_id, **told})
            self._completions.sort(key=lambda one: int(one["index"]))
        self.tell({"type": "ended", "completion_id": completion_id, **told})
