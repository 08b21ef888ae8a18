"""Server, model and readers are killed amid load: what was acknowledged is there, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pathviewer.bench.kill_loop import WRITERS, run_kill_loop
from pathviewer.bench.storage import StorageFigures, as_json, table
from pathviewer.bench.storage_site import make_site
from tests.postgres import Postgres

pytestmark = pytest.mark.long

KILLS = 3


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database; empty for SQLite in the state folder."""
    if request.param == "sqlite":
        yield ""
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as address:
        yield address


def test_nothing_acknowledged_is_lost_or_doubled(
    tmp_path: Path,
    state: Path,
    mini_checkpoint: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(state))
    site = make_site(tmp_path / "killed", WRITERS, 30, url)
    found = run_kill_loop(site, KILLS, 1, str(mini_checkpoint))
    assert found.kills == KILLS
    assert found.killed == {"server": 1, "model": 1, "reader": 1}
    assert all(found.acknowledged.values()), found.acknowledged
    assert (found.lost, found.doubled, found.orphans) == (0, 0, 0)
    whole = StorageFigures(300.0, 5.0, 0, 2.0, 9.0, 100, 4.0, 3.0, found)
    shown = as_json(whole)
    assert (shown["kills"], shown["acknowledged"], shown["doubled"]) == (KILLS, 100, 0)
    assert "lost, doubled, orphans          0, 0, 0" in table(whole)
