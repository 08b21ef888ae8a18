"""The server is killed while many clients judge: what was acknowledged is there, and nothing half.

PATHVIEWER_TEST_KILLS=50 kills it so many times; three times if nothing is said. On PostgreSQL its
server lives on, as it would on another machine, and ends what the killed one had begun.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pathviewer.bench.storage_load import Client, Pace, load_until_killed
from pathviewer.bench.storage_site import (
    Site,
    count_lost,
    make_site,
    make_site_feedback,
    storage_app,
)
from pathviewer.bench.tiles_servers import serve_app
from tests.postgres import Postgres

pytestmark = pytest.mark.long

KILLS = int(os.environ.get("PATHVIEWER_TEST_KILLS", "3"))
CLIENTS = 20
LATEST = 1.5
"""Most seconds from the first request to the kill."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database; empty for SQLite in the state folder."""
    if request.param == "sqlite":
        yield ""
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as address:
        yield address


@pytest.mark.timeout(60 + 20 * KILLS)
def test_a_killed_server_has_kept_all_that_it_acknowledged(tmp_path: Path, url: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pathviewer.server.application"])  # imported once for all kills
    site = make_site(tmp_path, CLIENTS, completions=30, url=url)
    numbers, chance = itertools.count(), random.Random()
    acknowledged: dict[str, str] = {}
    unanswered: dict[str, str] = {}
    for _ in range(KILLS):
        with serve_app(storage_app, tmp_path, url, context=context) as server:
            acknowledged |= asyncio.run(again(server.base, site, unanswered))
            after = chance.uniform(0, LATEST)
            pace = Pace(CLIENTS, None, reads_per_s=0)
            killed = asyncio.run(load_until_killed(server, after, site, pace, numbers))
        acknowledged |= killed.acknowledged
        unanswered = {
            key: token
            for key, token in killed.sent_tokens.items()
            if key not in killed.acknowledged
        }
        assert count_lost(site, acknowledged) == 0, f"killed after {after:.3f} s"
    assert acknowledged


async def again(base: str, site: Site, sent: dict[str, str]) -> dict[str, str]:
    """Send what was not answered a second time, as a browser does: ids by key."""
    kept = {}
    for key, token in sent.items():
        client = Client(base, token)
        body = make_site_feedback(site, int(key[1:]))
        status, answer = await client.ask("POST", "/api/feedback", body)
        client.close()
        assert status in (200, 201), answer
        kept[key] = json.loads(answer)["id"]
    return kept
