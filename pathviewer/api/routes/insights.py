"""What the labels say, as JSON and CSV, for researchers and administrators."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api.responses import not_found
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.calendar_days import DayError, read_days
from pathviewer.common.work_queue import while_connected
from pathviewer.insights.charts import CHARTS
from pathviewer.insights.data_source import ChartData, load_chart_data, rater_name
from pathviewer.slides.errors import SlideError
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
"""Pages whose figures are kept, of as many filters or viewers."""
CACHE_SECONDS = 60.0
"""How long, at most: names of slides and cases may change without a judgment."""
FILTERS = frozenset({"since", "until", "zone", "model", "task", "organ", "slide", "rater", "votes"})
BLIND_VOTES = "blind"
"""The one value of the filter `votes`."""


class FilterRefused(SlideError):  # noqa: N818  as the other refusals
    """A filter that says nothing."""

    code = "bad_filter"
    status = 400


def insights_routes(database: Database, work: Work) -> list[Route]:
    """All charts as JSON, and the numbers of each as CSV."""
    routes = InsightsRoutes(database, work)
    return [
        Route("/api/insights", routes.all_charts),
        Route("/api/insights/{chart}.csv", routes.one_csv),
    ]


@dataclass(frozen=True)
class InsightsSnapshot:
    """What a page of insights shows."""

    charts: dict[str, Chart]
    """All of them, by name."""
    choices: dict[str, Any]
    """What there is to filter by."""
    zone: str
    """IANA name of the time zone whose days are meant."""
    blinded_count: int
    """Judgments that the viewer is not told of."""
    last_entry: int
    """Number of the newest audit entry then: whatever is judged makes another."""
    expires_at: float
    """Moment of the monotonic clock from which on it is made anew."""


class InsightsRoutes:
    """Figures are computed one request at a time, and kept for a short while: the page asks for all
    of them, and then for the numbers of some."""

    def __init__(self, database: Database, work: Work) -> None:
        self._database = database
        self._work = work
        self._cache: LRUCache[tuple[Filters, str], InsightsSnapshot] = LRUCache(
            MOST_CACHED_SNAPSHOTS
        )

    async def all_charts(self, request: Request) -> Response:
        """Every chart, and what there is to filter by."""

        def answer(snapshot: InsightsSnapshot) -> Response:
            charts = [chart.as_dict() for chart in snapshot.charts.values()]
            document = {"choices": snapshot.choices, "charts": charts, "zone": snapshot.zone}
            return JSONResponse(document | {"withheld": snapshot.blinded_count})

        return await self._respond(request, answer)

    async def one_csv(self, request: Request) -> Response:
        """The numbers of one chart."""
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
        return await while_connected(request, lambda: lane.run(make, identity.bound_key))

    def _find_snapshot(self, identity: Identity, query: dict[str, str]) -> InsightsSnapshot:
        """What is kept, or made anew; called by one thread at a time."""
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
    """Every chart of these rows."""
    return InsightsSnapshot(
        {name: make(source) for name, make in CHARTS.items()},
        choices_json(source.choices),
        source.zone,
        source.blinded_count,
        last_entry,
        time.monotonic() + CACHE_SECONDS,
    )


def choices_json(available: FilterChoices) -> dict[str, Any]:
    """What there is to filter by; raters by their pseudonyms."""
    return {
        "models": available.models,
        "tasks": available.tasks,
        "organs": available.organs,
        "slides": [{"id": slide, "name": alias} for slide, alias in available.slides],
        "raters": sorted(map(rater_name, available.raters)),
    }


def parse_filters(query: dict[str, str], available: FilterChoices) -> Filters:
    """The filters of a query string. Raises FilterRefused."""
    if unknown := sorted(query.keys() - FILTERS):
        names = ", ".join(sorted(FILTERS))
        raise FilterRefused(f"There is no filter {', '.join(unknown)[:100]}; there are {names}.")
    accounts = {rater_name(account): account for account in available.raters}
    if "rater" in query and query["rater"] not in accounts:
        raise FilterRefused("No rater of that name has judged anything; take one from the list.")
    if query.get("votes", BLIND_VOTES) != BLIND_VOTES:
        raise FilterRefused(f"Votes are filtered by {BLIND_VOTES} alone; leave it out for all.")
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
