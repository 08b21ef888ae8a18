"""Routes of insights: charts as JSON and CSV, for researchers and administrators."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api import user_messages
from pathviewer.api.responses import not_found
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.calendar_days import DayError, read_days
from pathviewer.common.errors import UserError
from pathviewer.common.work_queue import Client, while_connected
from pathviewer.insights.charts import CHARTS
from pathviewer.insights.data_source import ChartData, load_chart_data, rater_name
from storage import audit
from storage.statistics.feedback_rows import list_filter_choices
from storage.statistics.records import FilterChoices, Filters

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from pathviewer.auth.identity import Identity
    from pathviewer.common.work_queue import Work
    from pathviewer.insights.chart import Chart
    from storage.database import Database

MOST_CACHED_SNAPSHOTS = 8
"""Maximum cached snapshots, one per filters and viewer."""
CACHE_SECONDS = 60.0
"""Maximum age of a snapshot; names of slides and cases can change without an audit entry."""
FILTERS = frozenset({"since", "until", "zone", "model", "task", "organ", "slide", "rater", "votes"})
BLIND_VOTES = "blind"
"""The one value of the filter `votes`."""


class FilterRefused(UserError):  # noqa: N818  as the other refusals
    """A filter is unknown or has an invalid value."""

    code = "bad_filter"


def insights_routes(database: Database, work: Work) -> list[Route]:
    """Return the routes of all charts as JSON and of one chart as CSV."""
    routes = InsightsRoutes(database, work)
    return [
        Route("/api/insights", routes.all_charts),
        Route("/api/insights/{chart}.csv", routes.one_csv),
    ]


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
        self._cache: LRUCache[tuple[Filters, str], InsightsSnapshot] = LRUCache(
            MOST_CACHED_SNAPSHOTS
        )

    async def all_charts(self, request: Request) -> Response:
        """`GET`: every chart and the values of the filters."""

        def answer(snapshot: InsightsSnapshot) -> Response:
            charts = [chart.as_dict() for chart in snapshot.charts.values()]
            document = {"choices": snapshot.choices, "charts": charts, "zone": snapshot.zone}
            return JSONResponse(document | {"withheld": snapshot.blinded_count})

        return await self._respond(request, answer)

    async def one_csv(self, request: Request) -> Response:
        """`GET`: the numbers of one chart as CSV."""
        require(request.scope, Action.see_insights)
        name = request.path_params["chart"]
        if name not in CHARTS:
            return not_found(request.url.path)

        def answer(snapshot: InsightsSnapshot) -> Response:
            headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
            return Response(snapshot.charts[name].as_csv(), media_type="text/csv", headers=headers)

        return await self._respond(request, answer)

    async def _respond(
        self, request: Request, respond: Callable[[InsightsSnapshot], Response]
    ) -> Response:
        identity = require(request.scope, Action.see_insights)
        query = dict(request.query_params)

        def make() -> Response:
            return respond(self._find_snapshot(identity, query))

        lane = self._work.insights
        return await while_connected(
            Client(request.receive), lambda: lane.run(make, identity.bound_key)
        )

    def _find_snapshot(self, identity: Identity, query: dict[str, str]) -> InsightsSnapshot:
        """Return the cached or a new snapshot; called by one thread at a time."""
        with self._database.read_only() as session:
            available = list_filter_choices(session)
            filters = parse_filters(query, available)
            filters = replace(filters, viewer_id=identity.viewer_id)
            key, last = (filters, identity.account_id), audit.newest_entry_id(session)
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


def parse_filters(query: dict[str, str], available: FilterChoices) -> Filters:
    """Parse the filters of a query string. Raises FilterRefused."""
    if unknown := sorted(query.keys() - FILTERS):
        names = ", ".join(sorted(FILTERS))
        raise FilterRefused(user_messages.unknown_filter(", ".join(unknown)[:100], names))
    accounts = {rater_name(account): account for account in available.raters}
    if "rater" in query and query["rater"] not in accounts:
        raise FilterRefused(user_messages.NO_RATER)
    if query.get("votes", BLIND_VOTES) != BLIND_VOTES:
        raise FilterRefused(user_messages.votes_filter_invalid(BLIND_VOTES))
    try:
        days = read_days(*(query.get(name, "") for name in ("since", "until", "zone")))
    except DayError as error:
        raise FilterRefused(str(error)) from None
    return Filters(
        since=days.since,
        until=days.until,
        zone=days.zone,
        model=query.get("model"),
        task=query.get("task"),
        organ=query.get("organ"),
        slide_id=query.get("slide"),
        rater_id=accounts.get(query.get("rater", "")),
        blind_votes="votes" in query,
    )
