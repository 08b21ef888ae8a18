"""Routes of exports: choices, start, progress and archive."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import FileResponse

from pathviewer.api import user_messages
from pathviewer.api.json_route import Exporter, json_router
from pathviewer.api.schemas.exports import ExportChoices, ExportOut, ExportRequest
from pathviewer.common.calendar_days import DayError, read_days
from pathviewer.common.errors import UserError
from pathviewer.common.work_queue import READS
from pathviewer.export.consensus import parse_rule
from pathviewer.export.errors import ExportError
from pathviewer.export.formats import rater_name
from pathviewer.export.plan import FORMATS, ExportPlan, as_json
from pathviewer.export.record import record_export
from pathviewer.export.splits import parse_shares
from storage.blinding.conditions import count_hidden_feedback
from storage.cases.store import list_cases
from storage.export_rows import Selection
from storage.names import normalize_name
from storage.statistics.feedback_rows import list_filter_choices

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from pathviewer.export.jobs import ExportJob, ExportJobs
    from storage.blinding.policy import Viewer
    from storage.database import Database


class ExportRefused(UserError):  # noqa: N818  as the other refusals
    """An export cannot be started or does not exist."""

    code = "export_refused"


class ExportNotFound(ExportRefused):
    """The account has no such export, or its archive is gone."""

    code = "export_not_found"


class ZipResponse(FileResponse):
    """A zip file."""

    media_type = "application/zip"


class ExportRoutes:
    """Handlers, also called by the Gradio endpoints; database work runs in threads."""

    def __init__(self, database: Database, jobs: ExportJobs, licence: str = "") -> None:
        """`licence` applies to exports whose request names none."""
        self._database = database
        self._licence = licence
        self._jobs = jobs

    def router(self) -> APIRouter:
        """Return the routes; all need `export`. Accounts see only their own exports."""
        router = json_router()
        path = "/api/exports/{export_id}"
        router.post("/api/exports", status_code=202, response_model=ExportOut)(self.begin)
        router.get("/api/exports", response_model=list[ExportOut])(self.rows)
        router.get("/api/exports/choices", response_model=ExportChoices)(self.choices)
        router.get(path + ".zip", response_class=ZipResponse)(self.archive)
        router.get(path, response_model=ExportOut)(self.show)
        return router

    async def begin(self, caller: Exporter, export: ExportRequest) -> dict[str, Any]:
        """Start an export and return its state; 503 while too many are in progress."""
        return await READS.run(lambda: self._begin(caller, export), caller.bound_key)

    async def rows(self, caller: Exporter) -> list[dict[str, Any]]:
        """List the account's exports, newest first."""
        return [job_json(job) for job in self._jobs.list_jobs(caller.account_id)]

    async def show(self, caller: Exporter, export_id: str) -> dict[str, Any]:
        """Return the state of an export."""
        return job_json(self._find_own(caller, export_id))

    async def archive(self, caller: Exporter, export_id: str) -> ZipResponse:
        """Return the export as a zip file; 404 if it is not done or was removed."""
        job = self._find_own(caller, export_id)
        path = self._jobs.archive(job)
        if job.state != "done" or not path.exists():
            raise ExportNotFound(user_messages.EXPORT_NOT_DONE)
        name = f"pathviewer-{job.plan.format.name}.zip"
        return ZipResponse(path, filename=name)

    async def choices(self, caller: Exporter) -> dict[str, Any]:
        """Return formats, and the values to filter by."""
        return await READS.run(lambda: self._list_choices(caller.viewer), caller.bound_key)

    def _find_own(self, caller: Identity, export_id: str) -> ExportJob:
        job = self._jobs.find(export_id, caller.account_id)
        if job is None:
            raise ExportNotFound(user_messages.NO_EXPORT)
        return job

    def _list_choices(self, viewer: Viewer) -> dict[str, Any]:
        with self._database.read_only() as session:
            available, cases = list_filter_choices(session), list_cases(session)
            blinded_count = count_hidden_feedback(session, viewer)
        return {
            "formats": [{"name": each.name, "trainer": each.trainer} for each in FORMATS.values()],
            "models": available.models,
            "question_types": [task for task in available.tasks if task],
            "raters": sorted(map(rater_name, available.raters)),
            "cases": [case.name for case in cases],
            "withheld": blinded_count,
        }

    def _begin(self, caller: Identity, export: ExportRequest) -> dict[str, Any]:
        try:
            plan = ExportPlan(
                format=FORMATS[export.format],
                rule=parse_rule(export.rule),
                shares=parse_shares(export.splits),
                selection=self._find_selection(export, caller.viewer),
                comments=export.comments,
                licence=export.licence or self._licence,
            )
            return job_json(self._jobs.start(caller.account_id, plan, self._record))
        except ExportError as error:
            raise ExportRefused(str(error)) from error

    def _find_selection(self, export: ExportRequest, viewer: Viewer) -> Selection:
        with self._database.read_only() as session:
            accounts = {rater_name(each): each for each in list_filter_choices(session).raters}
            cases = {normalize_name(case.name): case.id for case in list_cases(session)}
        try:
            days = read_days(export.since, export.until, export.zone)
        except DayError as error:
            raise ExportRefused(str(error)) from None
        return Selection(
            since=days.since,
            until=days.until,
            zone=days.zone,
            rater_ids=_find_ids("raters", export.raters, accounts),
            models=frozenset(export.models),
            case_ids=_find_ids("cases", export.cases, cases),
            tasks=frozenset(export.question_types),
            teaching=export.teaching,
            viewer=viewer,
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


def _find_ids(field: str, names: Collection[str], ids: Mapping[str, str]) -> frozenset[str]:
    wanted = [normalize_name(name) for name in names]
    missing = [name for name in wanted if name not in ids]
    if missing:
        raise ExportRefused(user_messages.not_in_list(missing[0][:80], field))
    return frozenset(ids[name] for name in wanted)
