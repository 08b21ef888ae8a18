"""Log formats: sentences for people, or JSON lines without names of people, slides or files."""

from __future__ import annotations

import copy
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from types import TracebackType

    from pathviewer.settings import Settings

OWN_LOGGERS = frozenset({"pathviewer", "storage", "models", "uvicorn"})
"""Loggers whose messages are fixed sentences with arguments. Sentences of other libraries may
contain anything."""
CHATTY_LOGGERS = ("httpx", "httpx2", "alembic", "watchfiles")
"""Loggers limited to warnings; some log addresses."""
REQUEST_LOG = logging.getLogger("pathviewer.requests")
"""One line per request except tiles, in JSON only."""


def configure_logging(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Log to a stream in the configured format; uvicorn's loggers are included."""
    handler = logging.StreamHandler(stream)
    as_json = settings.log_format == "json"
    handler.setFormatter(AnonymousFormatter() if as_json else logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    REQUEST_LOG.setLevel(logging.INFO if as_json else logging.WARNING)
    for name in CHATTY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def take_over_uvicorn() -> None:
    """Propagate uvicorn's records to the root logger; uvicorn sets its own handlers when
    configured."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def log_request(method: str, route: str, status: int, seconds: float) -> None:
    """Log an answered request."""
    if REQUEST_LOG.isEnabledFor(logging.INFO):
        fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        REQUEST_LOG.info("request", extra={"fields": fields})


class AnonymousFormatter(JsonFormatter):
    """Records as JSON without anything that may come from a person or a file.

    It keeps only numbers of a sentence's arguments, and of an error its class and code locations.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; never raises if arguments do not fit the sentence."""
        anonymous_record = copy.copy(record)
        (
            anonymous_record.msg,
            anonymous_record.args,
            anonymous_record.exc_text,
            anonymous_record.stack_info,
        ) = describe_event(record), (), None, None
        return super().format(anonymous_record)

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],  # noqa: ARG002  may contain user input
    ) -> None:
        """Fill in the logged fields of a record."""
        log_data["time"] = self.formatTime(record)
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        log_data["event"] = record.msg
        log_data.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            log_data["error"] = record.exc_info[0].__name__
            log_data["at"] = trace_places(record.exc_info[2])

    def formatTime(  # noqa: N802  a name of logging
        self,
        record: logging.LogRecord,
        datefmt: str | None = None,  # noqa: ARG002
    ) -> str:
        """Return the time in UTC, to the millisecond."""
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds")


def describe_event(record: logging.LogRecord) -> str:
    """Return a record's sentence with numbers and error classes; other arguments become `…`."""
    if record.name.split(".")[0] not in OWN_LOGGERS or not isinstance(record.msg, str):
        return f"A library's message is hidden ({record.module}:{record.lineno})."
    arguments = record.args if isinstance(record.args, tuple) else ()
    try:
        return (record.msg % tuple(map(anonymise, arguments))).strip()
    except (TypeError, ValueError):
        return record.msg.strip()


def anonymise(value: object) -> object:
    """Return a number unchanged, an error's class name, and `…` for anything else."""
    if isinstance(value, int | float):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else "…"


def trace_places(trace: TracebackType | None) -> list[str]:
    """Return an error's code locations as `module.py:line`, without folders."""
    frames = traceback.extract_tb(trace)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
