"""One reading while it is written: what the model's events make of it.

A reading tells its story as numbered events, which a page may hear from any number on.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from models.messages import AttentionRows, End, Event, Finish, Queued, Started, Token
from pathviewer.attention.archive import kept
from pathviewer.attention.live_map import LiveAttention
from pathviewer.attention.map_json import SeenCompletion
from pathviewer.questions.ask import Comparing, Reading
from pathviewer.questions.errors import ReadingNotFound
from pathviewer.questions.question_json import ended_event, failed_event, started_event
from pathviewer.questions.snapshot import WholeReading
from pathviewer.questions.store import KeptReadings
from pathviewer.questions.trace_json import trace_json
from storage.errors import StorageError
from storage.questions.records import ReadingRecord

TEXT_SECONDS = 0.05
"""Least time between two events with the text of one completion."""
OPEN_BEFORE_ANSWER = frozenset({"queued", "started", "first_answer_wanted", "failed"})
"""Events that a blind reading tells before the clinician has answered."""
LAST = ("done", "failed")
"""Events that nothing follows."""
REPLACES = {"text": "text", "ended": "text", "attention": "attention", "maps": "attention"}
"""Events of this kind take the place of the last of that kind, so that whoever comes late hears
what is new alone."""

log = logging.getLogger("pathviewer")


class LiveReading:
    """One reading; safe to be used from several threads. What it hears is kept before it is told;
    `hear` and `end` are called from one thread, and raise StorageError."""

    def __init__(self, record: ReadingRecord, keep: KeptReadings) -> None:
        self.id = record.id
        self.gone = False
        """Whether it was let go of before it had told all; its stream begins anew."""
        self.unsettled = False
        """Whether it has ended and that is not kept yet."""
        self._keep = keep
        self._whole = WholeReading(record)
        self._texts = [""] * record.count
        self._told_at = [0.0] * record.count
        self._looks: dict[int, LiveAttention] = {}
        self._seen: dict[int, SeenCompletion] = {}
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._number = 0
        self._lock = threading.Lock()

    @property
    def whole(self) -> WholeReading:
        """What is known of it at this moment."""
        return self._whole

    @property
    def withheld(self) -> bool:
        """Whether the model's text is kept back, what is still being written included."""
        record = self._whole.record
        something = record.state == "running" or any(self._texts)
        return record.blind and record.first_answer is None and something

    @property
    def over(self) -> bool:
        """Whether all of it is kept and told, so that it may be let go of."""
        with self._lock:
            last = self._events[-1][1]["type"] if self._events else None
            return last in LAST and not (self.unsettled or self.withheld)

    def since(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Events after this number that may be told now."""
        with self._lock:
            after = [pair for pair in self._events if pair[0] > number]
            if self.withheld:
                return [pair for pair in after if pair[1]["type"] in OPEN_BEFORE_ANSWER]
            return after

    def answered(self, record: ReadingRecord) -> None:
        """The clinician's own answer is kept: what was withheld may be told."""
        self._change(
            first_answer=record.first_answer,
            first_confidence=record.first_confidence,
            first_answer_at=record.first_answer_at,
        )

    def seen(self, index: int) -> SeenCompletion:
        """Where a completion looked; raises ReadingNotFound while that cannot be told."""
        with self._lock:
            found = None if self.withheld else self._seen.get(index)
        if found is None:
            raise ReadingNotFound("There are no maps of this answer, or not yet.")
        return found

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
        """Say that nothing follows; a reading ends once. It is told even if it cannot be kept:
        then `unsettled` until `settle`."""
        if self._whole.record.state != "running":
            return
        ended: dict[str, Any] = {"state": state, "failure": failure, "ended_at": datetime.now(UTC)}
        with self._lock:  # together: what has ended and is settled may be let go of
            self._whole = replace(self._whole, record=replace(self._whole.record, **ended))
            self.unsettled = True
        self.settle()
        self.tell({"type": "done"} if failure is None else failed_event(failure))

    def settle(self) -> None:
        """Try to keep how it ended."""
        with self._lock:
            record = self._whole.record
        try:
            self._keep.end(self.id, record.state, record.failure)
        except StorageError as error:
            log.warning("How a reading ended is not kept yet. %s", error)
        else:
            self.unsettled = False

    def _change(self, **fields: Any) -> None:
        with self._lock:
            self._whole = replace(self._whole, record=replace(self._whole.record, **fields))

    def _started(self, event: Started) -> None:
        self._looks = {i: LiveAttention(event.placements[0]) for i in range(len(self._texts))}
        self._change(**vars(self._keep.start(self.id, event)))
        self.tell(started_event(self._whole.record, event.placements[0]))
        if self._whole.record.blind:
            self.tell({"type": "first_answer_wanted"})

    def _token(self, event: Token) -> None:
        index = event.completion_index
        self._texts[index] += event.text
        self._looks[index].write(event.text)
        now = time.monotonic()
        if now - self._told_at[index] >= TEXT_SECONDS:
            self._told_at[index] = now
            self._tell_text(index, None)

    def _tell_text(self, index: int, finish: Finish | None) -> None:
        text = self._texts[index]
        self.tell({"type": "text", "index": index, "text": text, "trace": trace_json(text, finish)})

    def _looked(self, event: AttentionRows) -> None:
        found = self._looks[event.completion_index].look(event)
        if found:
            self.tell({"type": "attention", "index": event.completion_index, **found})

    def _ended(self, event: End) -> None:
        """Keep an answer, then tell it; where it cannot be kept its text is told all the same."""
        try:
            record = self._keep.complete(self.id, event)
        except StorageError:
            self._texts[event.completion_index] = event.completion.text
            self._tell_text(event.completion_index, event.completion.finish)
            raise
        with self._lock:
            both = sorted((*self._whole.completions, record), key=lambda one: one.index)
            self._whole = replace(self._whole, completions=tuple(both))
        self.tell(ended_event(record))

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
        attention = kept(reading.rows, reading.neutral)
        place = reading.started.placements[0]
        with self._lock:
            self._seen[index] = SeenCompletion(
                completion.text, completion.token_ends, place, attention
            )
        try:
            self._keep.look(self._whole.completion_id(index), attention)
        except StorageError as error:
            log.warning("Where an answer looked is not kept. %s", error)
        self.tell({"type": "maps", "index": index})
