"""Route of the audit log."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api.request_body import parse_whole_number
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.operations.audit_log import entry_json
from storage.audit import list_entries_after
from storage.database import Database

MOST_ENTRIES = 1_000


def audit_routes(database: Database) -> list[Route]:
    """Return `GET /api/audit?after=ID&limit=`: later entries, oldest first; needs `read_audit`."""

    async def entries(request: Request) -> Response:
        require(request.scope, Action.read_audit)
        query = request.query_params
        after = parse_whole_number(query.get("after")) or 0
        limit = parse_whole_number(query.get("limit"))
        limit = 100 if limit is None else max(1, min(MOST_ENTRIES, limit))
        return JSONResponse(await run_in_threadpool(_list_entries, database, after, limit))

    return [Route("/api/audit", entries, methods=["GET"])]


def _list_entries(database: Database, after: int, limit: int) -> list[dict[str, object]]:
    with database.read_only() as session:
        return [entry_json(entry) for entry in list_entries_after(session, after, limit=limit)]
