"""What the labels say, as JSON and CSV, for researchers and administrators."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api.responses import not_found
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.insights.charts import CHARTS
from pathviewer.insights.source import Source, load, rater_name
from pathviewer.slides.errors import SlideError
from storage.statistics import choices
from storage.statistics_rows import Choices, Filters

if TYPE_CHECKING:
    from starlette.requests import Request

    from storage.database import Database

FILTERS = frozenset({"since", "until", "model", "task", "organ", "slide", "rater"})


class FilterRefused(SlideError):  # noqa: N818  as the other refusals
    """A filter that says nothing."""

    code = "bad_filter"
    status = 400


def insights_routes(database: Database) -> list[Route]:
    """All charts as JSON, and the numbers of each as CSV."""
    routes = InsightsRoutes(database)
    return [
        Route("/api/insights", routes.all_charts),
        Route("/api/insights/{chart}.csv", routes.one_csv),
    ]


class InsightsRoutes:
    """Figures are computed anew for every request, one request at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_at_a_time = threading.Lock()  # so that figures never take both processors

    # plain functions: Starlette runs them beside the event loop
    def all_charts(self, request: Request) -> Response:
        """Every chart, and what there is to filter by."""
        viewer = require(request.scope, Action.see_insights).viewer_id
        with self._one_at_a_time:
            source = self._source(request, viewer)
            charts = [make(source).as_dict() for make in CHARTS.values()]
        told = {"choices": choices_json(source.choices), "charts": charts}
        return JSONResponse(told | {"withheld": source.withheld})

    def one_csv(self, request: Request) -> Response:
        """The numbers of one chart."""
        viewer = require(request.scope, Action.see_insights).viewer_id
        name = request.path_params["chart"]
        if name not in CHARTS:
            return not_found(request.url.path)
        with self._one_at_a_time:
            text = CHARTS[name](self._source(request, viewer)).as_csv()
        headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
        return Response(text, media_type="text/csv", headers=headers)

    def _source(self, request: Request, viewer: str | None) -> Source:
        with self._database.reading() as session:
            known = choices(session)
            filters = filters_of(dict(request.query_params), known)
            return load(session, replace(filters, viewer_id=viewer), known)


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
    since, until = (_day(given[name]) if name in given else None for name in ("since", "until"))
    return Filters(
        since=since,
        until=None if until is None else until + timedelta(days=1),
        model=given.get("model"),
        task=given.get("task"),
        organ=given.get("organ"),
        slide_id=given.get("slide"),
        rater_id=accounts.get(given.get("rater", "")),
    )


def _day(text: str) -> datetime:
    """The first moment of a day, UTC. Raises FilterRefused."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        message = f"{text[:40]!r} is no day: write it like 2026-03-31."
        raise FilterRefused(message) from None
    if not 1900 < day.year < 9999:
        raise FilterRefused(f"{text[:40]!r} is no day that anybody judged on.")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
