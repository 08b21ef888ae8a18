"""Production runs on uvloop and httptools where they are installed."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.util import find_spec

from starlette.responses import PlainTextResponse

from pathviewer.serving import uvicorn_config


def test_the_loop_is_the_fastest_that_is_installed() -> None:
    config = uvicorn_config(PlainTextResponse("page"))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        loop = runner.get_loop()
        expected = "uvloop" if find_spec("uvloop") else "asyncio"
        assert type(loop).__module__.split(".")[0] == expected


def test_so_is_the_parser_of_requests() -> None:
    config = uvicorn_config(PlainTextResponse("page"))
    config.load()
    expected = "httptools" if find_spec("httptools") else "h11"
    protocol = config.http_protocol_class
    assert isinstance(protocol, partial)
    assert any(expected in base.__module__ for base in protocol.func.__mro__)
