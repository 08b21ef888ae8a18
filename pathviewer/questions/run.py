"""A run: one question while it is answered.

A run publishes numbered events and wakes its listeners, which can resume after any number.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from models.messages import (
    AttentionRows,
    CompletionEnd,
    Event,
    Finish,
    GenerationStart,
    QueueUpdate,
    Token,
)
from pathviewer.attention.archive import reduce_attention
from pathviewer.attention.live_map import LiveAttentionMap
from pathviewer.attention.map_json import CompletionAttention
from pathviewer.questions import user_messages
from pathviewer.questions.ask import CompletionResult, NeutralQuestionProgress
from pathviewer.questions.errors import QuestionNotFound
from pathviewer.questions.listeners import Listeners
from pathviewer.questions.question_json import ended_event, failed_event, started_event
from pathviewer.questions.snapshot import QuestionSnapshot, hides_completions
from pathviewer.questions.store import QuestionStore
from pathviewer.questions.trace_json import trace_json
from storage.errors import StorageError
from storage.questions.records import QuestionRecord

TEXT_SECONDS = 0.05
"""Minimum interval between two text events of one completion."""
EVENTS_WHILE_BLINDED = frozenset({"queued", "started", "first_answer_wanted", "failed"})
"""Events that listeners of a blind question may see before its first answer."""
FINAL_EVENTS = ("done", "failed")
"""Last events of a run."""
REPLACED_EVENTS = {"text": "text", "ended": "text", "attention": "attention", "maps": "attention"}
"""Type of event -> type of the earlier event of the same completion that it replaces, so that
late listeners get only the newest."""

log = logging.getLogger("pathviewer")


class QuestionRun:
    """A question that is being answered; thread-safe.

    A run stores completions before it publishes them. `handle` and `end` must be called from one
    thread; `handle` raises StorageError.
    """

    def __init__(self, record: QuestionRecord, store: QuestionStore) -> None:
        self.id = record.id
        self.listeners = Listeners()
        """Woken by every event, the first answer, the end and the release."""
        self.released = False
        """Whether the service has dropped this run; its streams end and listeners reconnect."""
        self.end_unsaved = False
        """Whether the run has ended but its end is not stored yet."""
        self._store = store
        self._snapshot = QuestionSnapshot(record)
        self._texts = [""] * record.count
        self._text_sent_at = [0.0] * record.count
        self._live_maps: dict[int, LiveAttentionMap] = {}
        self._attention: dict[int, CompletionAttention] = {}
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._last_number = 0
        self._lock = threading.Lock()

    @property
    def snapshot(self) -> QuestionSnapshot:
        """The current snapshot."""
        return self._snapshot

    @property
    def is_blinded(self) -> bool:
        """Whether the model's text is blinded, including text that is still being written."""
        record = self._snapshot.record
        has_text = record.state == "running" or any(self._texts)
        return hides_completions(record, has_text=has_text)

    @property
    def is_finished(self) -> bool:
        """Whether everything is stored and published, so that the run can be dropped."""
        with self._lock:
            last = self._events[-1][1]["type"] if self._events else None
            return last in FINAL_EVENTS and not (self.end_unsaved or self.is_blinded)

    def events_since(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the visible events after this number, as (number, event)."""
        with self._lock:
            after = [pair for pair in self._events if pair[0] > number]
            if self.is_blinded:
                return [pair for pair in after if pair[1]["type"] in EVENTS_WHILE_BLINDED]
            return after

    def record_first_answer(self, record: QuestionRecord) -> None:
        """Take over the stored first answer, which ends blinding."""
        self._update_record(
            first_answer=record.first_answer,
            first_confidence=record.first_confidence,
            first_answer_at=record.first_answer_at,
        )
        self.listeners.wake()

    def find_attention(self, index: int) -> CompletionAttention:
        """Return a completion's attention. Raises QuestionNotFound while it is missing or
        blinded."""
        with self._lock:
            attention = None if self.is_blinded else self._attention.get(index)
        if attention is None:
            raise QuestionNotFound(user_messages.NO_MAPS_YET)
        return attention

    def handle(self, event: Event | NeutralQuestionProgress | CompletionResult) -> None:
        """Store and publish an event of `ask`."""
        if isinstance(event, QueueUpdate):
            self.publish({"type": "queued", "position": event.position})
        elif isinstance(event, GenerationStart):
            self._handle_started(event)
        elif isinstance(event, Token):
            self._handle_token(event)
        elif isinstance(event, AttentionRows):
            self._handle_attention(event)
        elif isinstance(event, CompletionEnd):
            self._handle_end(event)
        elif isinstance(event, NeutralQuestionProgress):
            self._handle_neutral_progress()
        else:
            self._handle_result(event)

    def publish(self, event: dict[str, Any]) -> None:
        """Add an event, which may replace an earlier one (REPLACED_EVENTS)."""
        replaced = REPLACED_EVENTS.get(event["type"]), event.get("index")
        with self._lock:
            self._last_number += 1
            self._events = [
                (n, e) for n, e in self._events if (e["type"], e.get("index")) != replaced
            ]
            self._events.append((self._last_number, event))
        self.listeners.wake()

    def end(self, state: str, failure: str | None = None) -> None:
        """End the run; further calls do nothing.

        The end is published even if storing it fails; `end_unsaved` is then true until `save_end`
        succeeds.
        """
        if self._snapshot.record.state != "running":
            return
        ended: dict[str, Any] = {"state": state, "failure": failure, "ended_at": datetime.now(UTC)}
        with self._lock:  # atomically: a run that has ended and is saved may be dropped
            self._snapshot = replace(self._snapshot, record=replace(self._snapshot.record, **ended))
            self.end_unsaved = True
        self.save_end()
        self.publish({"type": "done"} if failure is None else failed_event(failure))

    def save_end(self) -> None:
        """Try to store the end; on failure `end_unsaved` stays true."""
        with self._lock:
            record = self._snapshot.record
        try:
            self._store.end(self.id, record.state, record.failure)
        except StorageError as error:
            log.warning("The end of a question could not be stored yet. %s", error)
        else:
            self.end_unsaved = False

    def release(self) -> None:
        """Mark the run as dropped by the service."""
        self.released = True
        self.listeners.wake()

    def _update_record(self, **fields: Any) -> None:
        with self._lock:
            self._snapshot = replace(
                self._snapshot, record=replace(self._snapshot.record, **fields)
            )

    def _handle_started(self, event: GenerationStart) -> None:
        self._live_maps = {
            i: LiveAttentionMap(event.placements[0]) for i in range(len(self._texts))
        }
        self._update_record(**vars(self._store.start(self.id, event)))
        self.publish(started_event(self._snapshot.record, event.placements[0]))
        if self._snapshot.record.blind:
            self.publish({"type": "first_answer_wanted"})

    def _handle_token(self, event: Token) -> None:
        index = event.completion_index
        self._texts[index] += event.text
        self._live_maps[index].add_text(event.text)
        now = time.monotonic()
        if now - self._text_sent_at[index] >= TEXT_SECONDS:
            self._text_sent_at[index] = now
            self._publish_text(index, None)

    def _publish_text(self, index: int, finish: Finish | None) -> None:
        text = self._texts[index]
        self.publish(
            {"type": "text", "index": index, "text": text, "trace": trace_json(text, finish)}
        )

    def _handle_attention(self, event: AttentionRows) -> None:
        live_map = self._live_maps[event.completion_index].add_rows(event)
        if live_map:
            self.publish({"type": "attention", "index": event.completion_index, **live_map})

    def _handle_end(self, event: CompletionEnd) -> None:
        """Store a completion, then publish it; if storing fails, publish its text and raise."""
        try:
            record = self._store.add_completion(self.id, event)
        except StorageError:
            self._texts[event.completion_index] = event.completion.text
            self._publish_text(event.completion_index, event.completion.finish)
            raise
        with self._lock:
            completions = sorted((*self._snapshot.completions, record), key=lambda one: one.index)
            self._snapshot = replace(self._snapshot, completions=tuple(completions))
        self.publish(ended_event(record))

    def _handle_neutral_progress(self) -> None:
        """Publish once that the completions have ended and the neutral question is running."""
        if self._events[-1][1]["type"] != "comparing":
            self.publish({"type": "comparing"})

    def _handle_result(self, result: CompletionResult) -> None:
        """Store a completion's attention, which replaces its live map."""
        index, completion = result.end.completion_index, result.completion
        del self._live_maps[index]
        if result.rows is None:
            return
        attention = reduce_attention(result.rows, result.neutral)
        placement = result.started.placements[0]
        with self._lock:
            self._attention[index] = CompletionAttention(
                completion.text, completion.token_ends, placement, attention
            )
        try:
            self._store.save_attention(self._snapshot.find_completion_id(index), attention)
        except StorageError as error:
            log.warning("The attention of an answer could not be stored. %s", error)
        self.publish({"type": "maps", "index": index})
