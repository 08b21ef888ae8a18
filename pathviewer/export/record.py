"""Record of a finished export: the completions in its version, and the audit entry."""

from __future__ import annotations

from pathviewer.export.plan import ExportPlan, ExportTally
from storage.audit import add_entry
from storage.database import Database
from storage.exports.store import DatasetVersion, add_exported_completions
from storage.tables import LOCAL_ACCOUNT_ID


def record_export(
    database: Database, plan: ExportPlan, tally: ExportTally, account_id: str | None
) -> None:
    """Store both in one transaction; `account_id` None is the command line.

    Raises StorageError.
    """
    name, by = plan.format.name, {"by": "command line"} if account_id is None else {}
    detail = {"rows": sum(tally.rows.values()), "comments": plan.comments, "sha256": tally.sha256}
    with database.session() as session:
        version = DatasetVersion(tally.sha256, name, account_id)
        add_exported_completions(session, version, tally.completion_ids)
        add_entry(session, account_id or LOCAL_ACCOUNT_ID, "exported", name, by | detail)
