"""Production runs on uvloop where it is installed, and on httptools."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.util import find_spec

from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pathviewer.server.connections import BoundedHttp
from pathviewer.server.run import uvicorn_config


def test_the_loop_is_the_fastest_that_is_installed() -> None:
    config = uvicorn_config(PlainTextResponse("page"))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        loop = runner.get_loop()
        expected = "uvloop" if find_spec("uvloop") else "asyncio"
        assert type(loop).__module__.split(".")[0] == expected


def test_requests_are_parsed_by_httptools_within_our_bounds() -> None:
    config = uvicorn_config(PlainTextResponse("page"))
    config.load()
    make = config.http_protocol_class
    assert isinstance(make, partial)
    assert make.func is BoundedHttp
    assert issubclass(BoundedHttp, HttpToolsProtocol)
