"""Routes of exports: choices, start, progress and archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from pathviewer.api import user_messages
from pathviewer.api.request_body import read_json_object
from pathviewer.auth.identity import Identity, require
from pathviewer.auth.roles import Action
from pathviewer.common.calendar_days import DayError, read_days
from pathviewer.export.consensus import parse_rule
from pathviewer.export.errors import ExportError
from pathviewer.export.formats import rater_name
from pathviewer.export.jobs import ExportJob, ExportJobs
from pathviewer.export.plan import FORMATS, ExportPlan, as_json
from pathviewer.export.record import record_export
from pathviewer.export.splits import parse_shares
from pathviewer.slides.errors import SlideError
from storage.blinding.visible_feedback import count_hidden_feedback
from storage.cases.store import list_cases
from storage.export_rows import Selection
from storage.names import normalize_name
from storage.statistics.feedback_rows import list_filter_choices

if TYPE_CHECKING:
    from starlette.requests import Request

    from storage.database import Database

FIELDS = [
    "format",
    "rule",
    "splits",
    "since",
    "until",
    "zone",
    "models",
    "question_types",
    "raters",
    "cases",
    "comments",
    "teaching",
    "licence",
]
LONGEST_TEXT = 200
MOST_NAMES = 10_000


class ExportRefused(SlideError):  # noqa: N818  as the other refusals
    """An export cannot be started or does not exist."""

    code = "export_refused"

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status  # type: ignore[misc]  # overrides the class default


def export_routes(database: Database, jobs: ExportJobs, licence: str = "") -> list[Route]:
    """Return the routes; all need `export`. Accounts see only their own exports.

    `licence` applies to exports whose request names none.
    """
    routes = ExportRoutes(database, jobs, licence)
    path = "/api/exports/{export_id}"
    return [
        Route("/api/exports", routes.begin, methods=["POST"]),
        Route("/api/exports", routes.rows, methods=["GET"]),
        Route("/api/exports/choices", routes.choices, methods=["GET"]),
        Route(f"{path}.zip", routes.archive, methods=["GET"]),
        Route(path, routes.show, methods=["GET"]),
    ]


class ExportRoutes:
    """Handlers; database work runs in threads."""

    def __init__(self, database: Database, jobs: ExportJobs, licence: str) -> None:
        self._database = database
        self._licence = licence
        self._jobs = jobs

    async def begin(self, request: Request) -> Response:
        """`POST`: start an export; 202 with its state, 503 while too many are in progress."""
        identity = require(request.scope, Action.export)
        body = await read_json_object(request)
        return JSONResponse(await run_in_threadpool(self._begin, identity, body), 202)

    async def rows(self, request: Request) -> Response:
        """`GET`: the account's exports, newest first."""
        account = require(request.scope, Action.export).account_id
        return JSONResponse([job_json(job) for job in self._jobs.list_jobs(account)])

    async def show(self, request: Request) -> Response:
        """`GET`: the state of an export."""
        return JSONResponse(job_json(self._find_own(request)))

    async def archive(self, request: Request) -> Response:
        """`GET`: the export as a zip file; 404 if it is not done or was removed."""
        job = self._find_own(request)
        path = self._jobs.archive(job)
        if job.state != "done" or not path.exists():
            raise ExportRefused(user_messages.EXPORT_NOT_DONE, 404)
        name = f"pathviewer-{job.plan.format.name}.zip"
        return FileResponse(path, media_type="application/zip", filename=name)

    async def choices(self, request: Request) -> Response:
        """`GET`: formats, and the values to filter by."""
        viewer = require(request.scope, Action.export).viewer_id
        return JSONResponse(await run_in_threadpool(self._list_choices, viewer))

    def _find_own(self, request: Request) -> ExportJob:
        account = require(request.scope, Action.export).account_id
        job = self._jobs.find(request.path_params["export_id"], account)
        if job is None:
            raise ExportRefused(user_messages.NO_EXPORT, 404)
        return job

    def _list_choices(self, viewer: str | None) -> dict[str, Any]:
        with self._database.read_only() as session:
            available, cases = list_filter_choices(session), list_cases(session)
            blinded_count = 0 if viewer is None else count_hidden_feedback(session, viewer)
        return {
            "formats": [{"name": each.name, "trainer": each.trainer} for each in FORMATS.values()],
            "models": available.models,
            "question_types": [task for task in available.tasks if task],
            "raters": sorted(map(rater_name, available.raters)),
            "cases": [case.name for case in cases],
            "withheld": blinded_count,
        }

    def _begin(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            plan = self._read_plan(identity.viewer_id, body)
            return job_json(self._jobs.start(identity.account_id, plan, self._record))
        except ExportError as error:
            raise ExportRefused(str(error)) from error

    def _read_plan(self, viewer: str | None, body: Mapping[str, Any]) -> ExportPlan:
        unknown = sorted(set(body) - set(FIELDS))
        if unknown:
            raise ExportRefused(user_messages.unknown_export_field(unknown[0][:40], FIELDS))
        name = _read_text(body, "format", "")
        if name not in FORMATS:
            raise ExportRefused(user_messages.unknown_export_format(FORMATS))
        return ExportPlan(
            format=FORMATS[name],
            rule=parse_rule(_read_text(body, "rule", "each")),
            shares=parse_shares(_read_text(body, "splits", "0.8,0.1,0.1")),
            selection=replace(self._read_selection(body), viewer_id=viewer),
            comments=body.get("comments") is True,
            licence=_read_text(body, "licence", "") or self._licence,
        )

    def _read_selection(self, body: Mapping[str, Any]) -> Selection:
        with self._database.read_only() as session:
            accounts = {rater_name(each): each for each in list_filter_choices(session).raters}
            cases = {normalize_name(case.name): case.id for case in list_cases(session)}
        try:
            days = read_days(*(_read_text(body, name, "") for name in ("since", "until", "zone")))
        except DayError as error:
            raise ExportRefused(str(error)) from None
        return Selection(
            since=days.since,
            until=days.until,
            zone=days.zone,
            rater_ids=_find_ids(body, "raters", accounts),
            models=frozenset(_read_names(body, "models")),
            case_ids=_find_ids(body, "cases", cases),
            tasks=frozenset(_read_names(body, "question_types")),
            teaching=body.get("teaching") is True,
        )

    def _record(self, job: ExportJob) -> None:
        if job.tally is not None:
            record_export(self._database, job.plan, job.tally, job.account_id)


def job_json(job: ExportJob) -> dict[str, Any]:
    """Return an export's state as JSON."""
    return {
        "id": job.id,
        "format": job.plan.format.name,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "error": job.error,
        "counts": None if job.tally is None or job.state != "done" else as_json(job.tally),
    }


def _find_ids(body: Mapping[str, Any], field: str, ids: Mapping[str, str]) -> frozenset[str]:
    names = [normalize_name(name) for name in _read_names(body, field)]
    missing = [name for name in names if name not in ids]
    if missing:
        raise ExportRefused(user_messages.not_in_list(missing[0][:80], field))
    return frozenset(ids[name] for name in names)


def _read_names(body: Mapping[str, Any], field: str) -> Sequence[str]:
    value = body.get(field) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ExportRefused(user_messages.not_texts(field))
    if len(value) > MOST_NAMES:
        raise ExportRefused(user_messages.too_many_names(field, MOST_NAMES))
    return value


def _read_text(body: Mapping[str, Any], field: str, default: str) -> str:
    value = body.get(field)
    if value is None:
        return default
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise ExportRefused(user_messages.export_text_invalid(field, LONGEST_TEXT))
    return value.strip()
