"""The hostile account of `bench soak`: large bodies, hostile slides, many checks, idle sockets.

It connects only to servers on 127.0.0.1 that the benchmark started, and ends by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pathviewer.bench.hostile_slides import hostile_slides
from pathviewer.bench.http_connection import HttpConnection, HttpResponse
from pathviewer.bench.soak_people import StopEvent
from pathviewer.bench.soak_site import Person

BODY_SECONDS, SLIDE_SECONDS, CHECK_SECONDS, SOCKET_SECONDS = 5.0, 10.0, 20.0, 5.0
"""Intervals of the actions, s."""
BODY_BYTES = 10 * 2**20
CHECKS = 45
SOCKETS = 200
PATIENCE_SECONDS = 60.0
"""Longest wait for a response, s."""


@dataclass
class HostileOutcome:
    """The server's responses to the account."""

    statuses: dict[str, dict[str, int]] = field(default_factory=dict)
    """Responses of each action by status; `broken`: the server closed the connection, `late`: no
    response within a minute."""
    cpu_seconds: float = 0.0
    """CPU time of the sending process."""


class HostileAccount:
    """Actions of one account, repeated until the stop event."""

    def __init__(self, base: str, person: Person, stop: StopEvent, slides: bool) -> None:
        self._base = base
        self._person = person
        self._ending = stop
        self._slides = itertools.cycle(hostile_slides().items() if slides else ())
        self._sends_slides = slides
        self._counts: dict[str, Counter[str]] = {}
        self._sockets: list[asyncio.StreamWriter] = []
        self._checked = ""

    async def run(self) -> HostileOutcome:
        """Run all actions concurrently until the stop event."""
        acts = [
            self._repeat(BODY_SECONDS, self._large_body),
            self._repeat(CHECK_SECONDS, self._many_checks),
            self._repeat(SOCKET_SECONDS, self._idle_sockets),
        ]
        if self._sends_slides:
            acts.append(self._repeat(SLIDE_SECONDS, self._hostile_slide))
        tasks = [asyncio.create_task(act) for act in acts]
        while not self._ending.is_set():  # noqa: ASYNC110  the event belongs to another process
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._sockets:
            writer.close()
        statuses = {act: dict(counts) for act, counts in self._counts.items()}
        return HostileOutcome(statuses, time.process_time())

    async def _repeat(self, period: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await act()
            await asyncio.sleep(period)

    async def _send(
        self, act: str, method: str, path: str, body: object = None, headers: str = ""
    ) -> HttpResponse | None:
        """Send one request on its own connection; None if there is no response."""
        own_headers = {"Cookie": self._person.cookie, "Origin": self._base}
        connection, answer, status = HttpConnection(self._base, own_headers), None, "broken"
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await connection.request(method, path, body, headers)
                status = str(answer.status)
        except TimeoutError:
            status = "late"
        except (OSError, EOFError, ValueError):
            pass
        finally:
            connection.close()
        self._counts.setdefault(act, Counter())[status] += 1
        return answer

    async def _large_body(self) -> None:
        """Send many empty lists, which cost a parser far more than their length suggests."""
        body = b'{"data":[' + b"[]," * (BODY_BYTES // 3) + b'[]],"fn_index":0,"session_hash":"a"}'
        kind = "Content-Type: application/json\r\n"
        await self._send("large_bodies", "POST", "/gradio_api/queue/join", body, kind)

    async def _hostile_slide(self) -> None:
        name, content = next(self._slides)
        announced = {"name": name, "size": len(content)}
        response = await self._send("hostile_slides", "POST", "/api/uploads", announced)
        if response is not None and response.status == 201:
            path = f"/api/uploads/{response.json()['upload_id']}"
            offset = "Upload-Offset: 0\r\n"
            added = await self._send("hostile_slides", "PATCH", path, content, offset)
            if added is not None and added.status == 201:
                path = f"/api/slides/{added.json()['slide_id']}/thumbnail?size=512"
                await self._send("hostile_views", "GET", path)

    async def _many_checks(self) -> None:
        """Request many deletion checks of one answer at once."""
        if not self._checked:
            self._checked = await self._answered_question()
        if self._checked:
            path = f"/api/readings/{self._checked}/completions/0/deletion"
            sends = (self._send("deletion_checks", "POST", path, {}) for _ in range(CHECKS))
            await asyncio.gather(*sends)

    async def _answered_question(self) -> str:
        """Return the id of the account's own answered question; empty if it was refused."""
        slides = await self._send("questions", "GET", "/api/slides")
        slide_list = slides.json() if slides is not None and slides.status == 200 else []
        body = {
            "slide": slide_list[0]["id"] if slide_list else "",
            "box": {"x": 0, "y": 0, "width": 448, "height": 448},
            "question": "How cellular is this region?",
            "options": ["low", "moderate", "high"],
        }
        response = await self._send("questions", "POST", "/api/readings", body)
        if response is None or response.status != 201:
            return ""
        question_id = str(response.json()["id"])
        own = {"Cookie": self._person.cookie, "Origin": self._base}
        with suppress(OSError, EOFError, ValueError, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for _ in HttpConnection(self._base, own).events(
                    f"/api/readings/{question_id}/events"
                ):
                    pass
        return question_id

    async def _idle_sockets(self) -> None:
        """Hold half a request open on each of many connections."""
        parts = urlsplit(self._base)
        self._sockets = [writer for writer in self._sockets if not writer.is_closing()]
        for _ in range(SOCKETS - len(self._sockets)):
            try:
                async with asyncio.timeout(2):
                    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            except (OSError, TimeoutError):
                self._counts.setdefault("idle_sockets", Counter())["broken"] += 1
                return
            writer.write(b"POST /api/feedback HTTP/1.1\r\nHost: ")
            self._sockets.append(writer)
            self._counts.setdefault("idle_sockets", Counter())["opened"] += 1
