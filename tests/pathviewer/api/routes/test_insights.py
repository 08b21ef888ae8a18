"""The figures over HTTP: who may have them, how they are filtered, what a wrong filter is told."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pathviewer.api.routes.insights import InsightsRoutes
from pathviewer.api.schemas.insights import InsightsQuery
from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.identity import LOCAL
from pathviewer.auth.roles import Role
from pathviewer.bench.insights_data import Amount, fill_database
from pathviewer.common.work_queue import Work
from pathviewer.insights.charts import CHARTS
from pathviewer.settings import Settings
from tests.databases import new_database
from tests.servers import running

PASSWORD = "correct horse battery"
Clients = dict[Role, httpx.Client]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """The application with made-up judgments, seen by each role."""
    settings = Settings(data=tmp_path_factory.mktemp("insights"), model="none")
    database = new_database(settings.database)
    with database.session() as session:
        fill_database(session, Amount(completions=80, feedback=300, slides=8, raters=3))
        tokens = {}
        for role in Role:
            add_user(session, role.value, role, PASSWORD, rater=False)
            tokens[role] = make_token(session, role.value, "tests", 1)
    database.close()
    with running(settings) as base:
        yield {
            role: httpx.Client(
                base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60
            )
            for role, token in tokens.items()
        }


def all_verdicts(client: httpx.Client, **filters: str) -> int:
    """How many verdicts the charts count."""
    path = "/api/insights/verdicts_by_model.csv"
    answer = client.get(path, params=filters).raise_for_status()
    return sum(int(row[1]) for row in list(csv.reader(io.StringIO(answer.text)))[1:])


@pytest.mark.parametrize("path", ["/insights", "/api/insights", "/api/insights/events.csv"])
@pytest.mark.parametrize("role", Role)
def test_insights_are_for_researchers_and_administrators(
    clients: Clients, role: Role, path: str
) -> None:
    allowed = role in (Role.researcher, Role.admin)
    answer = clients[role].get(path)
    assert answer.status_code == (200 if allowed else 403)
    if not allowed:
        assert "may not see insights" in answer.text


def test_all_charts_come_in_the_order_of_the_page(clients: Clients) -> None:
    found = clients[Role.researcher].get("/api/insights").json()
    assert [chart["name"] for chart in found["charts"]] == list(CHARTS)
    assert len(found["choices"]["raters"]) == 3
    assert found["choices"]["slides"][0]["name"] == "Slide 1"


def test_filters_narrow_what_is_counted(clients: Clients) -> None:
    client = clients[Role.researcher]
    everything = all_verdicts(client)
    known = client.get("/api/insights").json()["choices"]
    for name, values in (
        ("model", known["models"]),
        ("task", known["tasks"]),
        ("organ", known["organs"]),
        ("slide", [slide["id"] for slide in known["slides"]]),
        ("rater", known["raters"]),
    ):
        parts = [all_verdicts(client, **{name: value}) for value in values]
        assert sum(parts) == everything, name
        assert max(parts) < everything, name
    # the first reading's day in full, and what comes after it
    first = all_verdicts(client, until="2026-01-01")
    assert 0 < first < everything
    assert first + all_verdicts(client, since="2026-01-02") == everything


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=yesterday", "write it like"),
        ("until=0001-01-01", "outside the years 1970 to 2999"),
        ("until=9999-12-31", "outside the years 1970 to 2999"),
        ("zone=Middle-earth", "not a time zone that this server knows"),
        ("zone=America", "not a time zone"),
        ("zone=../../etc/passwd", "not a time zone"),
        ("rater=ada", "take one from the list"),
        ("votes=all", "votes must be 'blind', not \"all\""),
        ("colour=red", 'has no field "colour"; it has model, organ'),
    ],
)
def test_a_filter_that_says_nothing_is_refused(clients: Clients, query: str, words: str) -> None:
    answer = clients[Role.admin].get(f"/api/insights?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


def test_a_csv_has_the_numbers_of_its_chart(clients: Clients) -> None:
    client = clients[Role.researcher]
    answer = client.get("/api/insights/verdicts_by_model.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="verdicts_by_model.csv"' in answer.headers["content-disposition"]
    head, *rows = csv.reader(io.StringIO(answer.text))
    (chart,) = [
        each
        for each in client.get("/api/insights").json()["charts"]
        if each["name"] == "verdicts_by_model"
    ]
    assert head == chart["columns"]
    assert rows == [list(map(str, row)) for row in chart["rows"]]
    assert client.get("/api/insights/nothing.csv").status_code == 404


def test_plotly_comes_from_this_server(clients: Clients) -> None:
    answer = clients[Role.viewer].get("/vendor/plotly/plotly.min.js")
    assert answer.status_code == 200
    assert "plotly.js" in answer.text[:500]


def test_statements_of_each_set_of_filters_do_not_stay_in_memory(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, model="none")
    database = new_database(settings.database)
    routes = InsightsRoutes(database, Work(settings))
    routes._find_snapshot(LOCAL, InsightsQuery())
    cache = database._read_engine._compiled_cache
    assert cache is not None
    before = len(cache)
    for query in ({"model": "a"}, {"organ": "lung"}, {"task": "b", "since": "2026-01-01"}):
        routes._find_snapshot(LOCAL, InsightsQuery.model_validate(query))
    assert len(cache) == before
    database.close()
