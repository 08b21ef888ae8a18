"""The model that the server holds: started beside the pages, closed with them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from models.engines.base import Engine, EngineStatus
from models.engines.open_engine import open_engine
from models.errors import ModelError

if TYPE_CHECKING:
    from pathviewer.settings import Settings

log = logging.getLogger("pathviewer")

NO_MODEL = "none"
"""The name in the settings under which no model is started."""
LONGEST_SENTENCE = 1_000
"""Characters of what is said of the model."""


class EngineService:
    """The backend of the settings' model, or the sentence that says why there is none.

    The pages do not depend on it: `start` returns at once, and nothing that is wrong with the
    model raises before `backend` is asked for.
    """

    def __init__(self, settings: Settings, open_model: Callable[..., Engine] = open_engine) -> None:
        """`open_model` takes the model's name, `device` and `told`, as `open_backend` does."""
        self._settings = settings
        self._open_model = open_model
        self._engine: Engine | None = None
        self._error: ModelError | None = None

    def start(self) -> None:
        """Open the backend; it loads by itself."""
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
        """What the model can do now; answers at once."""
        if self._engine is not None:
            status = self._engine.status()
            return replace(status, sentence=shorten_sentence(status.sentence))
        if self._error is not None:
            return EngineStatus("failed", shorten_sentence(str(self._error)))
        return EngineStatus("stopped", "No model is run; PATHVIEWER_MODEL names one.")

    def wait_while_loading(self, seconds: float) -> EngineStatus:
        """Wait until the model no longer loads, at most so long, and say what it can do then."""
        until = time.monotonic() + seconds
        while (status := self.status()).state == "starting" and time.monotonic() < until:
            time.sleep(0.05)
        return status

    @property
    def engine(self) -> Engine:
        """The backend; raises ModelError with the status's sentence where there is none."""
        if self._engine is None:
            raise self._error or ModelError(self.status().sentence)
        return self._engine

    def close(self) -> None:
        """Let go of the model; what is under way ends with a WorkerError."""
        if self._engine is not None:
            self._engine.close()


def _log_sentence(sentence: str) -> None:
    """Nobody may be asking when the model's process ends; whoever asks is told besides."""
    log.warning("%s", shorten_sentence(sentence))


def shorten_sentence(sentence: str) -> str:
    """A sentence that may quote a checkpoint's file of any length: anybody may hear it."""
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return f"{sentence[: LONGEST_SENTENCE - 1]}…"
