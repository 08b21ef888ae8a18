"""Routes of insights: charts as JSON and CSV, for researchers and administrators."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cachetools import LRUCache
from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pathviewer.api import user_messages
from pathviewer.api.json_route import Connection, InsightsReader, json_router, render_in_thread
from pathviewer.api.schemas.insights import Insights, InsightsQuery
from pathviewer.common.calendar_days import DayError, read_days
from pathviewer.common.errors import UserError
from pathviewer.common.work_queue import while_connected
from pathviewer.insights.charts import CHARTS
from pathviewer.insights.data_source import ChartData, load_chart_data, rater_name
from storage import audit
from storage.blinding.state import find_newest_turn
from storage.statistics.feedback_rows import list_filter_choices
from storage.statistics.records import FilterChoices, Filters

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pathviewer.auth.identity import Identity
    from pathviewer.common.work_queue import Client, Work
    from pathviewer.insights.chart import Chart
    from storage.database import Database

MOST_CACHED_SNAPSHOTS = 8
"""Maximum cached snapshots, one per filters, viewer and the viewer's newest item or pair."""
CACHE_SECONDS = 60.0
"""Maximum age of a snapshot; names of slides and cases can change without an audit entry."""

FilterQuery = Annotated[InsightsQuery, Query()]
T = TypeVar("T")


class FilterRefused(UserError):  # noqa: N818  as the other refusals
    """A filter has a value that selects nothing."""

    code = "bad_filter"


class CsvResponse(Response):
    """A table as CSV."""

    media_type = "text/csv"


@dataclass(frozen=True)
class InsightsSnapshot:
    """Charts of one set of filters for one viewer."""

    charts: dict[str, Chart]
    """All charts, by name."""
    choices: dict[str, Any]
    """Values of the filters."""
    zone: str
    """IANA name of the time zone of the days."""
    blinded_count: int
    """Number of feedback records hidden from the viewer."""
    last_entry: int
    """Id of the newest audit entry at the time; new feedback adds an entry."""
    expires_at: float
    """Expiry, in seconds of the monotonic clock."""


class InsightsRoutes:
    """Handlers; snapshots are computed one at a time and cached, as the page requests all charts
    and then some CSVs."""

    def __init__(self, database: Database, work: Work) -> None:
        self._database = database
        self._work = work
        self._cache: LRUCache[tuple[Filters, datetime | None], InsightsSnapshot] = LRUCache(
            MOST_CACHED_SNAPSHOTS
        )

    def router(self) -> APIRouter:
        """Return the routes of all charts as JSON and of one chart as CSV."""
        router = json_router()
        router.get("/api/insights", response_model=Insights)(render_in_thread(self.all_charts))
        path = "/api/insights/{chart}.csv"
        router.get(path, response_class=CsvResponse)(self.one_csv)
        return router

    async def all_charts(
        self, caller: InsightsReader, client: Connection, filters: FilterQuery
    ) -> dict[str, Any]:
        """Return every chart and the values of the filters."""

        def read(snapshot: InsightsSnapshot) -> dict[str, Any]:
            return {
                "choices": snapshot.choices,
                "charts": [chart.as_dict() for chart in snapshot.charts.values()],
                "zone": snapshot.zone,
                "withheld": snapshot.blinded_count,
            }

        return await self._read(caller, client, filters, read)

    async def one_csv(
        self, caller: InsightsReader, client: Connection, chart: str, filters: FilterQuery
    ) -> CsvResponse:
        """Return the numbers of one chart as CSV."""
        if chart not in CHARTS:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        text = await self._read(
            caller, client, filters, lambda snapshot: snapshot.charts[chart].as_csv()
        )
        headers = {"content-disposition": f'attachment; filename="{chart}.csv"'}
        return CsvResponse(text, headers=headers)

    async def _read(
        self,
        caller: Identity,
        client: Client,
        filters: InsightsQuery,
        read: Callable[[InsightsSnapshot], T],
    ) -> T:
        def run() -> T:
            return read(self._find_snapshot(caller, filters))

        lane = self._work.insights
        return await while_connected(client, lambda: lane.run(run, caller.bound_key))

    def _find_snapshot(self, caller: Identity, query: InsightsQuery) -> InsightsSnapshot:
        """Return the cached or a new snapshot; called by one thread at a time."""
        with self._database.read_filtered() as session:
            available = list_filter_choices(session)
            filters = parse_filters(query, available)
            filters = replace(filters, viewer=caller.viewer)
            turn = find_newest_turn(session, caller.viewer)
            key, last = (filters, turn), audit.newest_entry_id(session)
            snapshot = self._cache.get(key)
            if (
                snapshot is None
                or snapshot.last_entry != last
                or snapshot.expires_at < time.monotonic()
            ):
                snapshot = self._cache[key] = build_snapshot(
                    load_chart_data(session, filters, available), last
                )
        return snapshot


def build_snapshot(source: ChartData, last_entry: int) -> InsightsSnapshot:
    """Build every chart."""
    return InsightsSnapshot(
        {name: make(source) for name, make in CHARTS.items()},
        choices_json(source.choices),
        source.zone,
        source.blinded_count,
        last_entry,
        time.monotonic() + CACHE_SECONDS,
    )


def choices_json(available: FilterChoices) -> dict[str, Any]:
    """Return the values of the filters as JSON, with raters under pseudonyms."""
    return {
        "models": available.models,
        "tasks": available.tasks,
        "organs": available.organs,
        "slides": [{"id": slide, "name": alias} for slide, alias in available.slides],
        "raters": sorted(map(rater_name, available.raters)),
    }


def parse_filters(query: InsightsQuery, available: FilterChoices) -> Filters:
    """Return the filters of a query. Raises FilterRefused."""
    accounts = {rater_name(account): account for account in available.raters}
    if query.rater is not None and query.rater not in accounts:
        raise FilterRefused(user_messages.NO_RATER)
    try:
        days = read_days(query.since, query.until, query.zone)
    except DayError as error:
        raise FilterRefused(str(error)) from None
    return Filters(
        since=days.since,
        until=days.until,
        zone=days.zone,
        model=query.model,
        task=query.task,
        organ=query.organ,
        slide_id=query.slide,
        rater_id=None if query.rater is None else accounts[query.rater],
        blind_votes=query.votes is not None,
    )
