"""Route of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from pathviewer.api.json_route import AuditReader, json_router
from pathviewer.api.route_sessions import RouteSessions
from pathviewer.api.schemas.service import AuditEntry, AuditQuery
from pathviewer.operations.audit_log import entry_json
from storage.audit import list_entries_after

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from storage.database import Database


class AuditRoutes:
    """Handler, also called by the Gradio endpoint."""

    def __init__(self, database: Database) -> None:
        self._sessions = RouteSessions(database)

    def router(self) -> APIRouter:
        """Return the route; needs `read_audit`."""
        router = json_router()
        router.get("/api/audit", response_model=list[AuditEntry])(self.entries)
        return router

    async def entries(
        self,
        caller: AuditReader,
        query: Annotated[AuditQuery, Query()],
    ) -> list[dict[str, Any]]:
        """List later entries, oldest first."""

        def read(session: Session) -> list[dict[str, Any]]:
            return [
                entry_json(entry)
                for entry in list_entries_after(session, query.after, limit=query.limit)
            ]

        return await self._sessions.read(read, caller.bound_key)
