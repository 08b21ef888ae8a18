"""Slow work waits apart, takes turns between accounts, is bounded, and ends with its client."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pathviewer.api.responses import exception_handlers
from pathviewer.common.work_queue import AccountBounds, Client, Lane, TooBusy, Work, WorkKind
from pathviewer.settings import Settings
from tests.servers import serving

PATIENCE = 20.0


def test_an_account_has_no_more_threads_of_a_lane_than_it_may() -> None:
    async def crowd() -> None:
        lane, release = Lane(3, per_account=2), threading.Event()
        waiting = [asyncio.create_task(lane.run(release.wait, "ada")) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert await asyncio.wait_for(lane.run(lambda: "done", "bob"), PATIENCE) == "done"
        release.set()
        assert await asyncio.gather(*waiting) == [True] * 5

    asyncio.run(crowd())


def test_an_account_has_no_more_in_progress_than_it_may() -> None:
    bounds = AccountBounds({WorkKind.preview: 2})
    first = bounds.take("ada", WorkKind.preview)
    with bounds.slot("ada", WorkKind.preview):
        with pytest.raises(TooBusy, match="2 previews in progress, and may have 2;") as refused:
            bounds.take("ada", WorkKind.preview)
        bounds.take("bob", WorkKind.preview).release()
        assert bounds.in_progress(WorkKind.preview) == 2
    assert refused.value.retry_seconds > 0
    first.release()
    first.release()
    assert bounds.in_progress(WorkKind.preview) == 0
    bounds.check("ada", WorkKind.preview)


def test_a_kind_without_a_limit_has_no_bound() -> None:
    bounds = AccountBounds({})
    slots = [bounds.take("ada", WorkKind.question) for _ in range(100)]
    assert bounds.in_progress(WorkKind.question) == len(slots)


def test_a_slot_ends_with_an_error_too() -> None:
    bounds = AccountBounds({WorkKind.export: 1})
    with pytest.raises(RuntimeError), bounds.slot("ada", WorkKind.export):
        raise RuntimeError
    bounds.check("ada", WorkKind.export)


def test_lanes_do_not_wait_for_each_other_and_accounts_take_turns() -> None:
    order: list[str] = []
    begun, gate = threading.Semaphore(0), threading.Event()

    def slow(name: str) -> None:
        begun.release()
        assert gate.wait(PATIENCE)
        order.append(name)

    async def main() -> None:
        lane, other = Lane(1), Lane(1)
        ada = [asyncio.create_task(lane.run(lambda: slow("ada"), "ada")) for _ in range(20)]
        await asyncio.to_thread(begun.acquire)
        bob = asyncio.create_task(lane.run(lambda: slow("bob"), "bob"))
        assert await other.run(lambda: "at once") == "at once"
        assert await run_in_threadpool(lambda: "at once") == "at once"
        gate.set()
        await asyncio.gather(*ada, bob)

    asyncio.run(main())
    assert len(order) == 21
    assert order.index("bob") <= 2


def test_no_account_has_all_threads_of_a_lane() -> None:
    begun, gate = threading.Semaphore(0), threading.Event()

    def slow() -> None:
        begun.release()
        assert gate.wait(PATIENCE)

    async def main() -> None:
        lane = Lane(2)
        ada = [asyncio.create_task(lane.run(slow, "ada")) for _ in range(5)]
        await asyncio.to_thread(begun.acquire)
        assert await asyncio.wait_for(lane.run(lambda: "at once", "bob"), PATIENCE) == "at once"
        gate.set()
        await asyncio.gather(*ada)

    asyncio.run(main())


def test_a_lane_serves_one_event_loop_after_another() -> None:
    lane = Lane(1)
    for number in range(2):
        assert asyncio.run(lane.run(lambda n=number: n)) == number  # type: ignore[misc]


class Site:
    """One route whose work begins when the test lets it."""

    def __init__(self) -> None:
        self.work = Work(Settings(previews_per_account=3))
        self.work.pictures = Lane(1)
        self.started = 0
        self.gate = threading.Event()
        handlers = exception_handlers()
        routes = [Route("/slow", self.slow), Route("/bad", self.bad)]
        self.app = Starlette(routes=routes, exception_handlers=handlers)

    async def slow(self, request: Request) -> Response:
        """`GET`: waits for the gate, in a thread."""
        work = self.work
        told = await work.run(
            Client(request.receive), WorkKind.preview, "ada", work.pictures, self._wait
        )
        return PlainTextResponse(told)

    async def bad(self, request: Request) -> Response:
        """`GET`: fails in the thread."""
        work = self.work
        await work.run(
            Client(request.receive), WorkKind.preview, "ada", work.pictures, lambda: int("x")
        )
        return PlainTextResponse("never")

    def _wait(self) -> str:
        self.started += 1
        assert self.gate.wait(PATIENCE)
        return "done"


@pytest.fixture
def site() -> Iterator[tuple[Site, str]]:
    made = Site()
    with serving(made.app) as base:
        yield made, base
        made.gate.set()


def connect(base: str) -> socket.socket:
    """A connection that has asked for /slow and does not read the answer."""
    address = httpx.URL(base)
    client = socket.create_connection((address.host, address.port or 80))
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_work_whose_client_has_gone_never_starts(site: tuple[Site, str]) -> None:
    made, base = site
    in_progress = made.work.accounts.in_progress
    clients = [connect(base) for _ in range(3)]
    until(lambda: made.started == 1 and in_progress(WorkKind.preview) == 3)
    refused = httpx.get(f"{base}/slow")
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "too_busy"
    assert int(refused.headers["retry-after"]) > 0
    for client in clients:
        client.close()
    until(lambda: in_progress(WorkKind.preview) == 1)  # the one that a thread has begun
    made.gate.set()
    until(lambda: in_progress(WorkKind.preview) == 0)
    assert made.started == 1
    assert httpx.get(f"{base}/slow").text == "done"


def test_an_error_of_the_work_is_answered_as_itself(site: tuple[Site, str]) -> None:
    made, base = site
    assert httpx.get(f"{base}/bad").status_code == 500
    assert made.work.accounts.in_progress(WorkKind.preview) == 0
