"""JSON lines tell what goes on, and name nobody."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from pathviewer.server.log_format import CHATTY_LOGGERS, AnonymousFormatter, configure_logging
from pathviewer.settings import Settings
from tests.asking import accounts, asked_id, heard
from tests.pathviewer.server.test_run import start

SECRETS = ("SMITH", "Jane", "melanoma", "ada", "127.0.0.1", "horse")
"""Of file names, aliases, questions, accounts, addresses, folders and passwords."""


def written(message: str, *arguments: Any, logger: str = "pathviewer", **extra: Any) -> Any:
    """What is written of a record, decoded."""
    record = logging.LogRecord(logger, logging.INFO, "client.py", 7, message, arguments, **extra)
    text = AnonymousFormatter().format(record)
    assert "SMITH" not in text
    return json.loads(text)


@pytest.mark.parametrize(
    ("message", "arguments", "event"),
    [
        ("Cut off: %d.", (3,), "Cut off: 3."),
        ("Waited %.1f s for %s", (2.25, "SMITH.svs"), "Waited 2.2 s for …"),
        ("It failed: %s", (OSError("/slides/SMITH.svs"),), "It failed: OSError"),
        ("%s", ("SMITH",), "…"),
        ("An odd one %d", ("SMITH",), "An odd one %d"),  # what is put in does not fit
        ("Padded %-10s|", ("SMITH",), "Padded …         |"),
        ("%(name)s", ({"name": "SMITH"},), "%(name)s"),
    ],
)
def test_of_the_values_in_a_sentence_numbers_alone_are_written(
    message: str, arguments: Any, event: str
) -> None:
    assert written(message, *arguments, exc_info=None)["event"] == event


def test_an_error_is_its_class_and_where_it_was_raised() -> None:
    try:
        Path("/slides/SMITH.svs").read_bytes()
    except OSError:
        told = written("A slide could not be read.", exc_info=sys.exc_info())
    assert told["error"] == "FileNotFoundError"
    assert told["at"][0].startswith("test_log_format.py:")


def test_a_message_of_a_library_is_withheld() -> None:
    told = written("GET /SMITH", logger="httpx", exc_info=None)
    assert told["event"] == "A library's message is hidden (client:7)."


def test_sentences_are_the_default() -> None:
    before = logging.root.handlers[:]
    stream = io.StringIO()
    try:
        configure_logging(Settings(), stream)
        logging.getLogger("pathviewer").info("It is at port %d.", 7)
        logging.getLogger("httpx").info("GET http://somewhere")
    finally:
        logging.root.handlers[:] = before
    assert stream.getvalue() == "It is at port 7.\n"


def test_a_running_server_names_nobody(state: Path, small_phantom: Path) -> None:
    slides = state.parent / "slides"
    slides.mkdir()
    shutil.copyfile(small_phantom, slides / "SMITH-Jane.tiff")
    settings = Settings(data=state, model="scripted")
    tokens = accounts(settings)
    process = start(
        *("--port", "0", "--slides", str(slides), "--data", str(state), "--model", "scripted"),
        PATHVIEWER_LOG_FORMAT="json",
        PATHVIEWER_SHOW_FILE_NAMES="1",
    )
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if found := re.search(r'"port": (\d+)', line):
            base = f"http://127.0.0.1:{found[1]}"
            break
    headers = {"Authorization": f"Bearer {tokens['ada']}", "Origin": base}
    with httpx.Client(base_url=base, headers=headers) as client:
        reading = asked_id(client, question="Is this melanoma of Jane?")
        heard(client, reading)
        assert client.get("/api/slides/SMITH").status_code == 404
        client.post("/login", data={"name": "ada", "password": "not the horse"})
        client.get("/api/slides/x/region?x=SMITH")
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=30)
    lines += rest.splitlines()
    told = [json.loads(line) for line in lines]
    requests = {(each["route"], each["status"]) for each in told if each["event"] == "request"}
    assert ("/api/readings", 201) in requests
    assert ("/login", 401) in requests
    assert all(each["level"] in ("info", "warning") for each in told)
    for secret in (*SECRETS, str(state.parent)):
        assert secret not in "".join(lines), secret


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_chatty_loggers_write_warnings_only(log_format: str) -> None:
    """What they say of each request or change names addresses and files."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        configure_logging(Settings(log_format=log_format), stream)  # type: ignore[arg-type]
        for name in ("httpx", "httpx2", "alembic.runtime.migration", "watchfiles.main"):
            logging.getLogger(name).info("HTTP Request: GET http://provider/SMITH")
            logging.getLogger(name).debug("details")
        assert stream.getvalue() == ""
        for name in CHATTY_LOGGERS:
            logging.getLogger(name).warning("Something is wrong.")
        assert len(stream.getvalue().splitlines()) == len(CHATTY_LOGGERS)
    finally:
        root.handlers, root.level = handlers, level
