"""The server's engine: opened at start-up, closed at shutdown."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from models.engines.base import Engine, EngineStatus
from models.engines.open_engine import open_engine
from models.errors import ModelError
from pathviewer.questions import user_messages

if TYPE_CHECKING:
    from pathviewer.settings import Settings

log = logging.getLogger("pathviewer")

NO_MODEL = "none"
"""Model name in the settings that starts no engine."""
LONGEST_SENTENCE = 1_000
"""Maximum length of a status sentence, in characters."""


class EngineService:
    """The engine of the configured model, or the reason why there is none.

    The pages work without it: `start` returns at once, and model errors are raised only by
    `engine`.
    """

    def __init__(self, settings: Settings, open_model: Callable[..., Engine] = open_engine) -> None:
        """`open_model` has the parameters of `open_engine`: model name, `device`, `report`."""
        self._settings = settings
        self._open_model = open_model
        self._engine: Engine | None = None
        self._error: ModelError | None = None

    def start(self) -> None:
        """Open the engine; it loads in the background."""
        if self._settings.model == NO_MODEL:
            return
        try:
            self._engine = self._open_model(
                self._settings.model, device=self._settings.device, report=_log_sentence
            )
        except ModelError as error:
            self._error = error
            log.warning("There is no model. %s", shorten_sentence(str(error)))

    def status(self) -> EngineStatus:
        """Return the engine's status without waiting."""
        if self._engine is not None:
            status = self._engine.status()
            return replace(status, sentence=shorten_sentence(status.sentence))
        if self._error is not None:
            return EngineStatus("failed", shorten_sentence(str(self._error)))
        return EngineStatus("stopped", user_messages.NO_MODEL_RUNNING)

    def wait_while_loading(self, seconds: float) -> EngineStatus:
        """Wait at most `seconds` for the model to load and return the status."""
        until = time.monotonic() + seconds
        while (status := self.status()).state == "starting" and time.monotonic() < until:
            time.sleep(0.05)
        return status

    @property
    def engine(self) -> Engine:
        """The engine. Raises ModelError with the status sentence if there is none."""
        if self._engine is None:
            raise self._error or ModelError(self.status().sentence)
        return self._engine

    def close(self) -> None:
        """Close the engine; running requests end with a WorkerError."""
        if self._engine is not None:
            self._engine.close()


def _log_sentence(sentence: str) -> None:
    """Log an engine message, for example when the model's process ends between requests."""
    log.warning("%s", shorten_sentence(sentence))


def shorten_sentence(sentence: str) -> str:
    """Cut a status sentence to LONGEST_SENTENCE: it is public and may quote a checkpoint file."""
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return f"{sentence[: LONGEST_SENTENCE - 1]}…"
