"""Filters by day mean the reader's days: over HTTP, on the command line, where clocks change."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.roles import Role
from pathviewer.commands.main import app
from pathviewer.settings import Settings
from tests.commands import called
from tests.pathviewer.export.made_labels import judged_at, new_labels
from tests.servers import running

AUCKLAND = "Pacific/Auckland"
MOMENTS = (
    "2026-04-04T10:59:59",  # the last second of 4 April in Auckland, UTC+13
    "2026-04-04T11:00:00",  # 5 April begins, on which clocks go back
    "2026-04-05T11:59:59",  # and ends after 25 hours, UTC+12
    "2026-04-05T12:00:00",  # 6 April begins
)
DAYS = [
    ("2026-04-04", AUCKLAND, 1),
    ("2026-04-05", AUCKLAND, 2),
    ("2026-04-06", AUCKLAND, 1),
    ("2026-04-04", "UTC", 2),
    ("2026-04-05", "UTC", 2),
    ("2026-04-06", "UTC", 0),
    ("2026-04-04", "America/Los_Angeles", 2),
    ("2026-04-05", "", 2),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a verdict at each moment."""
    folder = tmp_path_factory.mktemp("days")
    labels = new_labels(folder)
    judged_at(labels, *MOMENTS)
    labels.database.close()
    return folder


@pytest.fixture(scope="module")
def client(data: Path) -> Iterator[httpx.Client]:
    """A researcher who judges nothing."""
    labels = new_labels(data)
    with labels.database.session() as session:
        add_user(session, "rosa", Role.researcher, "correct horse battery", rater=False)
        token = make_token(session, "rosa", "tests", 1)
    labels.database.close()
    headers = {"Authorization": f"Bearer {token}"}
    with (
        running(Settings(data=data, model="none")) as base,
        httpx.Client(base_url=base, headers=headers, timeout=60) as opened,
    ):
        yield opened


@pytest.mark.parametrize(("day", "zone", "count"), DAYS)
def test_insights_of_a_day(client: httpx.Client, day: str, zone: str, count: int) -> None:
    filters = {"since": day, "until": day} | ({"zone": zone} if zone else {})
    told = client.get("/api/insights", params=filters).raise_for_status().json()
    assert told["zone"] == (zone or "UTC")
    answer = client.get("/api/insights/verdicts_over_time.csv", params=filters)
    rows = list(csv.reader(io.StringIO(answer.raise_for_status().text)))[1:]
    assert [row[:2] for row in rows] == ([[day, str(count)]] if count else [])
    chart = next(each for each in told["charts"] if each["name"] == "verdicts_over_time")
    assert chart["about"].endswith(f"Days are those of the time zone {zone or 'UTC'}.")


@pytest.mark.parametrize(("day", "zone", "count"), DAYS)
def test_an_export_of_a_day(client: httpx.Client, day: str, zone: str, count: int) -> None:
    body = {"format": "unpaired", "since": day, "until": day, "zone": zone}
    begun = client.post("/api/exports", json=body).raise_for_status().json()
    while (told := client.get(f"/api/exports/{begun['id']}").json())["state"] == "running":
        time.sleep(0.05)
    assert told["state"] == ("done" if count else "failed")
    if count:
        assert told["counts"]["items"] == count


@pytest.mark.parametrize(("day", "zone", "count"), DAYS)
def test_the_command_of_a_day(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str, zone: str, count: int
) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(data))
    out = tmp_path / "out"
    options = ["--since", day, "--until", day, *(["--zone", zone] if zone else [])]
    done = called(app, "export", "--format", "unpaired", "--out", out, *options)
    if not count:
        assert done.told.startswith("No feedback matches")
        return
    items = "1 judged item" if count == 1 else f"{count} judged items"
    assert f"of {items}." in done.told
    assert done.told.endswith(f" Days are those of {zone or 'UTC'}.\n")
    filters = json.loads((out / "manifest.json").read_text())["filters"]
    assert filters["zone"] == (zone or "UTC")
    assert filters["since"] < filters["until"]
