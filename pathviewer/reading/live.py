"""Readings under way and lately done, in memory: each is written by a thread of its own.

A reading tells its story as numbered events, which a page may hear from any number on.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.errors import CancelledError, ModelError
from models.messages import End, Event, PixelBudget, Prompt, Queued, Sampling, Started, Token
from models.scoring import said
from pathviewer.reading.ask import ask, cancel
from pathviewer.reading.engine import ModelEngine
from pathviewer.reading.errors import ReadingNotFound, ReadingRefused
from pathviewer.reading.trace_json import trace_json

log = logging.getLogger("pathviewer")

TEXT_SECONDS = 0.05
"""Least time between two events with the text of one completion."""
MOST_KEPT = 200
"""Readings kept; the oldest that has ended makes room."""
MOST_UNDER_WAY = 32
"""Readings written at the same time."""
OPEN_BEFORE_ANSWER = frozenset({"queued", "started", "first_answer_wanted", "failed"})
"""Events that a blind reading tells before the clinician has answered."""


@dataclass(frozen=True)
class Asked:
    """What was asked, as the page sees it again."""

    account_id: str
    """Who asked."""
    slide_id: str
    """Of the slide."""
    facts: dict[str, Any]
    """What the page told and what was made of it, fit for JSON."""
    prompt: Prompt
    """What the model is given."""
    sampling: Sampling
    """How tokens are drawn."""
    budget: PixelBudget
    """Area of the picture after resizing."""
    options: tuple[str, ...]
    """Answers to choose from; empty if the answer is free."""
    count: int
    """Completions wanted."""
    blind: bool
    """Whether the clinician answers first."""


class LiveReading:
    """One reading; safe to be used from several threads."""

    def __init__(self, asked: Asked) -> None:
        self.id = str(uuid.uuid4())
        self.asked = asked
        self.created_at = datetime.now(UTC)
        self.state = "running"
        self.failure: str | None = None
        self.started: dict[str, Any] = {"placements": [], "model_revision": None}
        self.first_answer: dict[str, Any] | None = None
        self._completions: list[dict[str, Any]] = []
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._texts = [""] * asked.count
        self._told = [0.0] * asked.count
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

    def hear(self, event: Event) -> None:
        """Take an event of the backend over."""
        if isinstance(event, Queued):
            self.tell({"type": "queued", "position": event.position})
        elif isinstance(event, Started):
            self._started(event)
        elif isinstance(event, Token):
            self._token(event)
        elif isinstance(event, End):
            self._ended(event)

    def tell(self, event: dict[str, Any]) -> None:
        """Add an event; a text takes the place of the one before it."""
        with self._lock:
            self._number += 1
            if event["type"] in ("text", "ended"):
                former = ("text", event["index"])
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

    def _started(self, event: Started) -> None:
        places = [vars(place) | {"box": vars(place.box)} for place in event.placements]
        self.started = {"placements": places, "model_revision": event.model.revision}
        told = {"placements": places, "prompt_tokens": event.prompt_tokens}
        self.tell({"type": "started", "model": event.model.name, **told})
        if self.asked.blind:
            self.tell({"type": "first_answer_wanted"})

    def _token(self, event: Token) -> None:
        index = event.completion_index
        self._texts[index] += event.text
        now = time.monotonic()
        if now - self._told[index] < TEXT_SECONDS:
            return
        self._told[index] = now
        text = self._texts[index]
        trace = trace_json(text, None)
        self.tell({"type": "text", "index": index, "text": text, "trace": trace})

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


class LiveReadings:
    """All readings of a run."""

    def __init__(self, engine: ModelEngine) -> None:
        self._engine = engine
        self._readings: dict[str, LiveReading] = {}
        self._lock = threading.Lock()

    def check_model(self) -> None:
        """Raises ModelError with a sentence where there is no model to ask."""
        if self._engine.status().state in ("failed", "stopped"):
            raise ModelError(self._engine.status().sentence)

    def start(self, asked: Asked) -> LiveReading:
        """Ask in a thread; raises ReadingRefused when too many are under way."""
        reading = LiveReading(asked)
        with self._lock:
            going = [one for one in self._readings.values() if one.state == "running"]
            if len(going) >= MOST_UNDER_WAY:
                message = f"{len(going)} questions are under way; ask again when one has ended."
                raise ReadingRefused(message, 503)
            self._make_room()
            self._readings[reading.id] = reading
        threading.Thread(target=self._write, args=(reading,), daemon=True).start()
        return reading

    def find(self, reading_id: str) -> LiveReading:
        """Raises ReadingNotFound."""
        try:
            return self._readings[reading_id]
        except KeyError:
            message = "There is no such reading; readings are kept until the program is closed."
            raise ReadingNotFound(message) from None

    def of(self, account_id: str, slide_id: str | None) -> list[LiveReading]:
        """An account's readings, of one slide or of all, the newest first."""
        with self._lock:
            own = [one for one in self._readings.values() if one.asked.account_id == account_id]
        wanted = [one for one in own if slide_id in (None, one.asked.slide_id)]
        return list(reversed(wanted))

    def stop(self, reading: LiveReading) -> None:
        """End what is being written within a token."""
        try:
            cancel(self._engine.backend, reading.id)
        except ModelError as error:
            reading.end("failed", str(error))

    def _make_room(self) -> None:
        ended = [one.id for one in self._readings.values() if one.state != "running"]
        for reading_id in ended[: max(0, len(self._readings) - MOST_KEPT + 1)]:
            del self._readings[reading_id]

    def _write(self, reading: LiveReading) -> None:
        asked = reading.asked
        try:
            told = ask(
                self._engine.backend,
                asked.prompt,
                sampling=asked.sampling,
                budget=asked.budget,
                count=asked.count,
                attention=False,  # no panel shows maps yet
                request_id=reading.id,
            )
            for event in told:
                if isinstance(event, Queued | Started | Token | End):
                    reading.hear(event)
            reading.end("done")
        except CancelledError:
            reading.end("stopped")
        except ModelError as error:
            reading.end("failed", str(error))
        finally:
            reading.end("failed", "PathViewer made a mistake; its log says which. Ask again.")
