"""Who visits a public demo: places are given back, and nobody waits for the database."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pathviewer.auth.access import Access
from pathviewer.auth.guard import Guard
from pathviewer.auth.identity import SCOPE_KEY, VISITOR, Identity
from pathviewer.auth.visitors import HEADER, VisitError, Visitors
from pathviewer.settings import Settings
from storage.accounts.store import list_accounts
from storage.database import Database, open_database
from storage.errors import StorageError
from tests.servers import serving

NAME = b"n" * 32
BUSY_MS = 300


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "visits.sqlite3"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{file}", busy_ms=BUSY_MS)
    yield database
    database.close()


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Somebody else writes, and does not end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def stored(database: Database) -> list[str]:
    with database.read_only() as session:
        return [account.id for account in list_accounts(session)]


def test_a_name_is_one_account_and_costs_nothing(database: Database) -> None:
    visitors = Visitors(database)
    one, other = visitors.identify(NAME), visitors.identify(b"m" * 32)
    assert visitors.identify(NAME) == one != other
    assert Visitors(database).identify(NAME) != one, "of this run alone"
    assert visitors.identify(b"") == visitors.identify(b"short") == VISITOR
    assert (stored(database), visitors.list_ended()) == ([], [])


def test_names_that_were_made_up_count_as_their_client(database: Database) -> None:
    access = Access(Settings(public_demo=True), database)
    kept: list[Identity] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        kept.append(scope[SCOPE_KEY])
        await Response()(scope, _receive, send)

    with serving(Guard(app, access)) as base, httpx.Client(base_url=base) as client:
        names = [{HEADER: f"{place:032}".encode()} for place in range(3)]
        for headers in [{}, *names]:
            assert client.get("/", headers=headers).is_success
        assert {each.bound_key for each in kept} == {"visitor 127.0.0.1"}
        assert client.post("/", headers={**names[0], b"origin": base.encode()}).is_success
        assert kept[-1].bound_key == kept[-1].account_id == kept[1].account_id
        client.get("/", headers=names[0])
        assert kept[-1].bound_key == kept[1].account_id


def test_requests_that_come_together_begin_one_visit(database: Database) -> None:
    visitors = Visitors(database)
    account = visitors.identify(NAME).account_id

    async def together() -> None:
        await asyncio.gather(*(visitors.begin(account) for _ in range(8)))

    asyncio.run(together())
    assert stored(database) == [account]


def test_nobody_waits_while_a_visit_is_stored(database: Database, file: Path) -> None:
    visitors = Visitors(database)
    account = visitors.identify(NAME).account_id

    async def looking() -> float:
        """The longest that the loop stood still while a visit could not be stored."""
        begins = asyncio.create_task(visitors.begin(account))
        longest, before = 0.0, time.monotonic()
        while not begins.done():
            visitors.identify(NAME)
            await asyncio.sleep(0.005)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
        with pytest.raises(StorageError, match="busy"):
            await begins
        return longest

    with locked(file):
        began = time.monotonic()
        longest = asyncio.run(looking())
        assert time.monotonic() - began >= BUSY_MS / 1000
    assert longest < BUSY_MS / 1000 / 2
    visitors.seconds = -1
    assert visitors.list_ended() == [], "nothing has begun"
    asyncio.run(visitors.begin(account))
    assert stored(database) == [account]


def test_a_place_is_free_once_a_visit_is_gone(database: Database) -> None:
    visitors = Visitors(database)
    visitors.most = 1
    one, other = (visitors.identify(name * 32).account_id for name in (b"a", b"b"))
    asyncio.run(visitors.begin(one))
    with pytest.raises(VisitError, match="Too many"):
        asyncio.run(visitors.begin(other))
    visitors.seconds = -1
    assert visitors.list_ended() == [one]
    with pytest.raises(VisitError, match="has ended"):
        asyncio.run(visitors.begin(one))
    assert visitors.list_ended() == [one], "until it is gone"
    visitors.forget(one)
    asyncio.run(visitors.begin(other))
    visitors.forget(other)
    asyncio.run(visitors.begin(one))
    assert sorted(stored(database)) == sorted([one, other])


def test_one_client_has_a_share_of_the_places(database: Database) -> None:
    visitors = Visitors(database, most_per_client=2)
    accounts = [visitors.identify(bytes([97 + number]) * 32).account_id for number in range(4)]
    for account in accounts[:2]:
        asyncio.run(visitors.begin(account, "10.0.0.7"))
    with pytest.raises(VisitError, match="your network"):
        asyncio.run(visitors.begin(accounts[2], "10.0.0.7"))
    asyncio.run(visitors.begin(accounts[1], "10.0.0.7"))
    asyncio.run(visitors.begin(accounts[3], "10.0.0.8"))
    assert sorted(stored(database)) == sorted([accounts[0], accounts[1], accounts[3]])


def test_a_refused_request_begins_no_visit(database: Database) -> None:
    visitors = Visitors(database)
    visitors.most = 1
    one, other = (visitors.identify(name * 32).account_id for name in (b"a", b"b"))

    async def refused() -> None:
        await visitors.begin(one)
        await visitors.note_answer(one, refused=True)

    asyncio.run(refused())
    assert stored(database) == []
    asyncio.run(visitors.begin(other))
    assert stored(database) == [other]


def test_a_visit_lasts_after_one_request_that_was_not_refused(database: Database) -> None:
    visitors = Visitors(database)
    account = visitors.identify(NAME).account_id

    async def both() -> None:
        for refused in (False, True):
            await visitors.begin(account)
            await visitors.note_answer(account, refused=refused)

    asyncio.run(both())
    assert stored(database) == [account]


def test_requests_that_come_while_a_refused_visit_is_removed_begin_another(
    database: Database,
) -> None:
    visitors = Visitors(database)
    account = visitors.identify(NAME).account_id

    async def request(*, refused: bool) -> None:
        await visitors.begin(account)
        await asyncio.sleep(0)
        await visitors.note_answer(account, refused=refused)

    async def together() -> None:
        for _ in range(20):
            await asyncio.gather(*(request(refused=True) for _ in range(4)))
            assert stored(database) == []
        await asyncio.gather(*(request(refused=number > 0) for number in range(4)))

    asyncio.run(together())
    assert stored(database) == [account]
