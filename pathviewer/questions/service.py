"""All readings: those being written, each by a thread of its own, and those that were kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing

from models.errors import CancelledError, ModelError
from models.messages import Event
from pathviewer.attention.map_json import SeenCompletion
from pathviewer.common.work_queue import AccountBounds, Kind, Slot
from pathviewer.questions.ask import Comparing, Reading, ask, cancel
from pathviewer.questions.deletion_check import check_use
from pathviewer.questions.engine import ModelEngine
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.request import Asked
from pathviewer.questions.rerun import RunningModel
from pathviewer.questions.run import LiveReading
from pathviewer.questions.snapshot import WholeReading
from pathviewer.questions.store import KeptReadings
from storage.errors import StorageError
from storage.questions.records import DeletionCheckRecord
from storage.questions.store import CUT_OFF

MOST_IN_MEMORY = 200
"""Readings in memory; the oldest that only waits for a clinician's own answer makes room."""
MISTAKE = "PathViewer made a mistake; its log says which. Ask again."

log = logging.getLogger("pathviewer")


class LiveReadings:
    """Every method may be called from any thread; those that find or change something raise
    StorageError when the database or the disk fails."""

    def __init__(
        self, engine: ModelEngine, keep: KeptReadings, bounds: AccountBounds | None = None
    ) -> None:
        """`bounds` say how many questions may be in progress; None sets no bound."""
        self.keep = keep
        self._engine = engine
        self._bounds = bounds or AccountBounds({})
        self._live: dict[str, LiveReading] = {}
        self._threads: set[threading.Thread] = set()
        self._closing = False
        self._lock = threading.Lock()

    def recover(self) -> None:
        """End what a former run left running."""
        try:
            ended = self.keep.recover()
        except StorageError as error:
            log.warning("Readings of a former run are still said to be running. %s", error)
        else:
            if ended:
                log.info("Readings cut off when the program was last closed: %d.", ended)

    def close(self) -> None:
        """What is still being written is about to be cut off: say so in its own words."""
        self._closing = True

    def join(self, seconds: float) -> None:
        """Wait until what was cut off is kept as such, at most so long."""
        until = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, until - time.monotonic()))

    def check_model(self) -> None:
        """Raises ModelError with a sentence where there is no model to ask."""
        if self._engine.status().state in ("failed", "stopped"):
            raise ModelError(self._engine.status().sentence)

    def running_model(self, name: str) -> RunningModel:
        """What would answer now, under its name."""
        info = self._engine.status().info
        return RunningModel(name, info.revision if info else None)

    def check_room(self, account_id: str) -> None:
        """Raises TooBusy where `start` would, before anything is read for a question."""
        self._bounds.check(account_id, Kind.question)

    def start(self, asked: Asked) -> LiveReading:
        """Keep a question and ask in a thread; raises TooBusy when too many are in progress."""
        self._let_go()
        slot = self._bounds.take(asked.new.account_id, Kind.question)
        try:
            reading = LiveReading(self.keep.add(asked), self.keep)
        except BaseException:
            slot.release()
            raise
        with self._lock:
            self._live[reading.id] = reading
        thread = threading.Thread(target=self._write, args=(reading, asked, slot), daemon=True)
        self._threads.add(thread)
        thread.start()
        return reading

    def live(self, reading_id: str) -> LiveReading | None:
        """A reading in memory; answers at once."""
        return self._live.get(reading_id)

    def find(self, reading_id: str) -> WholeReading:
        """What is known of a reading; raises ReadingNotFound."""
        live = self.live(reading_id)
        return live.whole if live else self.keep.find(reading_id)

    def seen(self, whole: WholeReading, index: int) -> SeenCompletion:
        """Where an answer looked; raises ReadingNotFound, ModelError for a damaged file."""
        live = self.live(whole.record.id)
        if live:
            return live.seen(index)
        # found anew: `whole` may be from before the attention was kept
        return self.keep.seen(self.keep.find(whole.record.id), index)

    def check(
        self, whole: WholeReading, index: int, passage: str, account_id: str, model: str
    ) -> DeletionCheckRecord:
        """Check whether an answer used what it looked at, and keep what was found.

        Raises what `seen` and `check_use` do; ReadingRefused where `model` is another one.
        """
        self._let_go()  # a check is found again by way of the database alone
        completion = whole.completion(index)
        self.running_model(model).check(whole.record)
        seen, picture = self.seen(whole, index), self.keep.picture(whole.record)
        self.check_model()
        found = check_use(self._engine.backend, whole.record, picture, seen, passage)
        return self.keep.check(completion.id, account_id, found)

    def freeze(self, whole: WholeReading, answer: str, confidence: int | None) -> None:
        """Keep the clinician's own answer for good; raises ReadingRefused on a second one."""
        if not whole.withheld:
            raise ReadingRefused("Your answer is kept already and cannot be changed.", 409)
        record = self.keep.freeze(whole.record.id, answer, confidence)
        live = self.live(record.id)
        if live:
            live.answered(record)
            if live.over:
                self._forget(live)

    def stop(self, reading_id: str) -> None:
        """End what is being written within a token; one that is not being written has ended."""
        if self.live(reading_id) is None:
            return
        try:
            cancel(self._engine.backend, reading_id)
        except ModelError as error:
            log.warning("A reading could not be stopped. %s", error)

    def forget(self, reading_ids: Sequence[str]) -> None:
        """Let go of readings that were taken back."""
        for reading in filter(None, map(self.live, reading_ids)):
            self._forget(reading)

    def _let_go(self) -> None:
        """Forget what is kept and told; of those who wait for an own answer, the oldest."""
        with self._lock:
            readings = list(self._live.values())
        for reading in readings:
            if reading.unsettled:
                reading.settle()
            if reading.unsettled:  # the database is still away: each try may wait for it
                break
        ended = [one for one in readings if one.whole.record.state != "running"]
        excess = len(readings) - MOST_IN_MEMORY + 1
        for place, reading in enumerate(ended):
            if place < excess or reading.over:
                self._forget(reading)

    def _forget(self, reading: LiveReading) -> None:
        reading.gone = True
        with self._lock:
            self._live.pop(reading.id, None)

    def _write(self, reading: LiveReading, asked: Asked, slot: Slot) -> None:
        ending: tuple[str, str | None] = ("failed", MISTAKE)
        try:
            ending = self._written(reading, asked)
        finally:
            slot.release()  # before the end event: its listeners may ask again at once
            reading.end(*ending)
            if reading.over:
                self._forget(reading)
            self._threads.discard(threading.current_thread())

    def _written(self, reading: LiveReading, asked: Asked) -> tuple[str, str | None]:
        """How a reading ended, and why if it failed."""
        try:
            with closing(self._told(reading.id, asked)) as told:
                for event in told:
                    reading.hear(event)
        except CancelledError:
            return "stopped", None
        except ModelError as error:
            return "failed", CUT_OFF if self._closing else str(error)
        except StorageError as error:
            return "failed", f"What was written is not kept. {error}"
        return "done", None

    def _told(
        self, reading_id: str, asked: Asked
    ) -> Generator[Event | Comparing | Reading, None, None]:
        return ask(
            self._engine.backend,
            asked.prompt,
            sampling=asked.sampling,
            budget=asked.budget,
            count=asked.new.count,
            request_id=reading_id,
        )
