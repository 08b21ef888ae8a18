"""Readings under way and lately done, in memory: each is written by a thread of its own."""

from __future__ import annotations

import threading

from models.errors import CancelledError, ModelError
from pathviewer.reading.ask import ask, cancel
from pathviewer.reading.asked import Asked
from pathviewer.reading.engine import ModelEngine
from pathviewer.reading.errors import ReadingNotFound, ReadingRefused
from pathviewer.reading.live import LiveReading

MOST_KEPT = 200
"""Readings kept; the oldest that has ended makes room."""
MOST_UNDER_WAY = 32
"""Readings written at the same time."""


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
                request_id=reading.id,
            )
            for event in told:
                reading.hear(event)
            reading.end("done")
        except CancelledError:
            reading.end("stopped")
        except ModelError as error:
            reading.end("failed", str(error))
        finally:
            reading.end("failed", "PathViewer made a mistake; its log says which. Ask again.")
