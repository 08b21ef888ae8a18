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
from pathviewer.insights.data_source import Source, load, rater_name
from pathviewer.slides.errors import SlideError
from storage import audit
from storage.statistics.feedback_rows import choices
from storage.statistics.records import Choices, Filters

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from pathviewer.auth.identity import Identity
    from pathviewer.common.work_queue import Work
    from pathviewer.insights.chart import Chart
    from storage.database import Database

MOST_KEPT = 8
"""Pages whose figures are kept, of as many filters or viewers."""
KEPT_SECONDS = 60.0
"""How long, at most: names of slides and cases may change without a judgment."""
FILTERS = frozenset({"since", "until", "zone", "model", "task", "organ", "slide", "rater", "votes"})
BLIND = "blind"
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
class Shown:
    """What a page of insights shows."""

    charts: dict[str, Chart]
    """All of them, by name."""
    choices: dict[str, Any]
    """What there is to filter by."""
    zone: str
    """IANA name of the time zone whose days are meant."""
    withheld: int
    """Judgments that the viewer is not told of."""
    last_entry: int
    """Number of the newest audit entry then: whatever is judged makes another."""
    until: float
    """Moment of the monotonic clock from which on it is made anew."""


class InsightsRoutes:
    """Figures are computed one request at a time, and kept for a short while: the page asks for all
    of them, and then for the numbers of some."""

    def __init__(self, database: Database, work: Work) -> None:
        self._database = database
        self._work = work
        self._kept: LRUCache[tuple[Filters, str], Shown] = LRUCache(MOST_KEPT)

    async def all_charts(self, request: Request) -> Response:
        """Every chart, and what there is to filter by."""

        def answer(shown: Shown) -> Response:
            charts = [chart.as_dict() for chart in shown.charts.values()]
            told = {"choices": shown.choices, "charts": charts, "zone": shown.zone}
            return JSONResponse(told | {"withheld": shown.withheld})

        return await self._answer(request, answer)

    async def one_csv(self, request: Request) -> Response:
        """The numbers of one chart."""
        require(request.scope, Action.see_insights)
        name = request.path_params["chart"]
        if name not in CHARTS:
            return not_found(request.url.path)

        def answer(shown: Shown) -> Response:
            headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
            return Response(shown.charts[name].as_csv(), media_type="text/csv", headers=headers)

        return await self._answer(request, answer)

    async def _answer(self, request: Request, answer: Callable[[Shown], Response]) -> Response:
        identity = require(request.scope, Action.see_insights)
        given = dict(request.query_params)

        def make() -> Response:
            return answer(self._find(identity, given))

        lane = self._work.insights
        return await while_connected(request, lambda: lane.run(make, identity.bound_key))

    def _find(self, identity: Identity, given: dict[str, str]) -> Shown:
        """What is kept, or made anew; called by one thread at a time."""
        with self._database.reading() as session:
            known = choices(session)
            filters = filters_of(given, known)
            filters = replace(filters, viewer_id=identity.viewer_id)
            key, last = (filters, identity.account_id), audit.newest(session)
            kept = self._kept.get(key)
            if kept is None or kept.last_entry != last or kept.until < time.monotonic():
                kept = self._kept[key] = shown_of(load(session, filters, known), last)
        return kept


def shown_of(source: Source, last_entry: int) -> Shown:
    """Every chart of these rows."""
    return Shown(
        {name: make(source) for name, make in CHARTS.items()},
        choices_json(source.choices),
        source.zone,
        source.withheld,
        last_entry,
        time.monotonic() + KEPT_SECONDS,
    )


def choices_json(known: Choices) -> dict[str, Any]:
    """What there is to filter by; raters by their pseudonyms."""
    return {
        "models": known.models,
        "tasks": known.tasks,
        "organs": known.organs,
        "slides": [{"id": slide, "name": alias} for slide, alias in known.slides],
        "raters": sorted(map(rater_name, known.raters)),
    }


def filters_of(given: dict[str, str], known: Choices) -> Filters:
    """The filters of a query string. Raises FilterRefused."""
    if unknown := sorted(given.keys() - FILTERS):
        names = ", ".join(sorted(FILTERS))
        raise FilterRefused(f"There is no filter {', '.join(unknown)[:100]}; there are {names}.")
    accounts = {rater_name(account): account for account in known.raters}
    if "rater" in given and given["rater"] not in accounts:
        raise FilterRefused("No rater of that name has judged anything; take one from the list.")
    if given.get("votes", BLIND) != BLIND:
        raise FilterRefused(f"Votes are filtered by {BLIND} alone; leave it out for all.")
    try:
        days = read_days(*(given.get(name, "") for name in ("since", "until", "zone")))
    except DayError as error:
        raise FilterRefused(str(error)) from None
    return Filters(
        since=days.since,
        until=days.until,
        zone=days.zone,
        model=given.get("model"),
        task=given.get("task"),
        organ=given.get("organ"),
        slide_id=given.get("slide"),
        rater_id=accounts.get(given.get("rater", "")),
        blind_votes="votes" in given,
    )
